"""An extractor that anyone can follow, and small pictures to score with it."""

import torch

from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.scores.catalogue import SCORES, Options
from atelier.metrics.scores.diversity import LpipsDiversity
from atelier.metrics.scoring import Scores

EVERYTHING = [*SCORES]


class Shrunk(Extractor):
    """The 48 numbers of the 4 x 4 image are its features; five times as large they are its logits."""

    name, side, size, classes, digest = "shrunk", 4, 48, 48, "0" * 64

    def __init__(self, kernel="antialias"):
        super().__init__(kernel)
        self.calls = 0

    def fetch(self):
        pass

    def load(self, device):
        pass

    def extract(self, images):
        self.calls += 1
        flat = images.flatten(1) / 255
        return Features(flat, 5 * flat)


class Broken(Shrunk):
    def extract(self, images):
        return Features(torch.full((len(images), 48), torch.nan), torch.zeros(len(images), 48))


class Colours:
    """In place of LPIPS, whose weights are not everywhere: the colours as they are, of images of any size."""

    architecture, digest = "colours", "1" * 64

    def fetch(self):
        pass

    def load(self, device):
        pass

    def embed(self, images):
        return images.flatten(1) / 255


class Pictures:
    def __init__(self, images, key="some", labels=None):
        self.all, self.key, self.labels = images, key, labels

    def __len__(self):
        return len(self.all)

    def batches(self, size):
        return iter(self.all.split(size))


def pictures(count, seed, shift=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 200, (count, 3, 4, 4), generator=generator, dtype=torch.uint8) + shift


def features(images):
    return images.flatten(1) / 255


def diversity_of_colours(options):
    return LpipsDiversity(Colours(), smallest=1)


def prepared(real, count, scores=EVERYTHING, extractor=None, labels=None, classes=(), **options):
    """Scores that are ready for `count` images."""
    options = Options(**{"splits": 2, "resamples": 40, **options})
    found = Scores(extractor or Shrunk(), scores, count, options)
    found.prepare(Pictures(real, labels=labels), torch.device("cpu"), classes)
    return found


def show(scores, images, batch=64, order=None, labels=None):
    numbers = torch.arange(len(images)) if order is None else order
    for some in numbers.split(batch):
        scores.update(images[some], some, None if labels is None else labels[some])
    return scores.compute()


def scored(real, fake, scores, **options):
    return show(prepared(real, len(fake), scores, **options), fake)
