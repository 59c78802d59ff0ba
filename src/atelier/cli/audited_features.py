"""A generator's images beside the pictures of its run, as one network sees them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from atelier.cli.trained import Trained
from atelier.cli.training_data import prepare_again
from atelier.config import build
from atelier.data.held_out import HeldOutData, Stored
from atelier.errors import UserError
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.memorisation import nearest_views

BATCH = 128
"""Images and pictures whose features are computed at once."""


class Pair(NamedTuple):
    """A generated image and the training picture nearest to it."""

    image: int
    """Its number in `atelier sample`."""
    training_picture: int
    mirrored: bool
    distance: float


class Comparison:
    """Images are the first of `atelier sample --seed SEED`; features those of the run's metrics, or the embedded ones.

    Raises UserError where there are no pictures, or others than the run was trained on.
    """

    def __init__(self, run: Path, checkpoint: Path | None, seed: int) -> None:
        self.trained, self.seed = Trained(run, checkpoint), seed
        cfg = self.trained.cfg
        self.extractor: Extractor = build(cfg.metrics, "metrics").extractor if cfg.metrics else EmbeddedExtractor()
        self.extractor.fetch()
        self.data = _pictures(self.trained, run)
        self.extractor.load(self.trained.task.device)

    def draw(self, numbers: Iterable[int]) -> Tensor:
        """The images of these numbers, uint8 (N, 3, H, W)."""
        latents = self.trained.draw(self.seed, numbers)
        return self.trained.paint(self.trained.styles(latents), latents.labels)

    def images(self, count: int) -> Tensor:
        """Features of the first `count` images, (count, D)."""
        batches = [range(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
        return torch.cat([self._features(self.draw(numbers)) for numbers in batches])

    def pictures(self, pixels: Stored) -> Tensor:
        """Features of the pictures and, where training mirrors, of their mirror images too: (pictures, views, D)."""
        return torch.cat(
            [torch.stack([self._features(view) for view in self._views(batch)], 1) for batch in pixels.batches(BATCH)]
        )

    def side_by_side(self, pairs: list[Pair], images: Tensor, held_out: Tensor) -> Tensor:
        """Pixels of the images, then of their training pictures, then of the held-out pictures nearest to them."""
        numbers = [pair.image for pair in pairs]
        _, pictures, views = nearest_views(images[numbers], held_out)
        near = [self._view(self.data.train_pixels, pair.training_picture, pair.mirrored) for pair in pairs]
        unseen = [
            self._view(self.data.validation_pixels, picture, view == 1)
            for picture, view in zip(pictures.tolist(), views.tolist(), strict=True)
        ]
        return torch.cat([self.draw(numbers), *near, *unseen])

    def card(self) -> dict[str, Any]:
        return {
            "extractor": self.extractor.name,
            "weights_sha256": self.extractor.digest,
            "resize": self.extractor.kernel,
            "input": "uint8, rounded",
            "data": self.data.fingerprint,
            "training_pictures": len(self.data.train_pixels),
            "held_out_pictures": len(self.data.validation_pixels),
            "mirrored": self.data.hflip,
            "average": True,
            "step": self.trained.origin["step"],
            "seed": self.seed,
        }

    def _features(self, pixels: Tensor) -> Tensor:
        return self.extractor(pixels.to(self.trained.task.device)).pooled.float()

    def _views(self, pictures: Tensor) -> list[Tensor]:
        return [pictures, pictures.flip(3)] if self.data.hflip else [pictures]

    def _view(self, pixels: Stored, picture: int, mirrored: bool) -> Tensor:
        return self._views(pixels.images(picture, picture + 1))[int(mirrored)]


def closest(found: tuple[Tensor, Tensor, Tensor], count: int) -> list[Pair]:
    """The nearest pairs, nearest first, of what `nearest_views` found for images 0, 1, … among training pictures."""
    distances, pictures, views = (column.tolist() for column in found)
    order = sorted(range(len(distances)), key=distances.__getitem__)[:count]
    return [Pair(image, pictures[image], views[image] == 1, distances[image]) for image in order]


def _pictures(trained: Trained, run: Path) -> HeldOutData:
    data = build(trained.cfg.data, "data")
    if not isinstance(data, HeldOutData):
        raise UserError(f"data: {type(data).__name__} has no pictures to compare with")
    prepare_again(data, run)
    if not len(data.validation_pixels):
        raise UserError("data: has no held-out pictures to compare with: raise data.validation")
    return data
