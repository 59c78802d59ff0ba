"""One process of test_many_processes.py: `python one_rank.py RANK COUNT IMAGES MEETING` prints its scores as JSON."""

import json
import sys

import torch
import torch.distributed as dist

from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.scores.diversity import LpipsDiversity
from atelier.metrics.scoring import SCORES, Scores


class Shrunk(Extractor):
    """The 48 numbers of the 4 x 4 image are its features and logits."""

    name, side, size, classes, digest = "shrunk", 4, 48, 48, "0" * 64

    def fetch(self):
        pass

    def load(self, device):
        pass

    def extract(self, images):
        return Features(images.flatten(1) / 255, images.flatten(1) / 50)


class Colours:
    """In place of LPIPS, whose weights are not everywhere."""

    architecture, digest = "colours", "1" * 64

    def fetch(self):
        pass

    def load(self, device):
        pass

    def embed(self, images):
        return images.flatten(1) / 255


class Pictures:
    key, labels = "some", torch.arange(300) % 3

    def __len__(self):
        return 300

    def batches(self, size):
        return iter(pictures(300, 0).split(size))


def pictures(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 4, 4), generator=generator, dtype=torch.uint8)


def main(rank, count, images, meeting):
    SCORES["lpips_diversity"] = lambda options: LpipsDiversity(Colours(), smallest=1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    scores = Scores(Shrunk("antialias"), [*SCORES], images, splits=3, resamples=40)
    scores.prepare(Pictures(), torch.device("cpu"), ("a", "b", "c"))
    fake, own = pictures(images, 1), torch.arange(rank, images, count)
    for numbers in own.split(16):
        scores.update(fake[numbers], numbers, numbers % 3)
    print(json.dumps(scores.compute()))  # noqa: T201
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), sys.argv[4])
