"""Few changes, always (Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training")."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from atelier.augment.base import Augment
from atelier.augment.pixels import pick
from atelier.precision import full_precision


def colour(images: Tensor) -> Tensor:
    """Brightness by up to ± 0.5, then 0 to 2 times the saturation, then 0.5 to 1.5 times the contrast."""
    images = images + _uniform(images, -0.5, 0.5)
    grey = images.mean(1, keepdim=True)
    images = grey + _uniform(images, 0, 2) * (images - grey)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + _uniform(images, 0.5, 1.5) * (images - mean)


def translation(images: Tensor) -> Tensor:
    """By whole pixels, up to an eighth of the size each way; what comes in is 0."""
    rows, columns = (_shifted(images, size) for size in images.shape[2:])
    around = [_farthest(size) for size in (images.shape[3], images.shape[2]) for _ in range(2)]
    return pick(pad(images, around), rows[:, :, None], columns[:, None])


def cutout(images: Tensor) -> Tensor:
    """A square of half the size is 0; its centre is anywhere in the image, so parts of it may lie outside."""
    rows, columns = (_hit(images, size) for size in images.shape[2:])
    return images * ~(rows[:, None, :, None] & columns[:, None, None])


def flip(images: Tensor) -> Tensor:
    """Mirrors each image with probability 1/2.

    Not the paper's; consistency regularisation has it (Zhang et al. 2020).
    """
    return torch.where(_uniform(images, 0, 1) < 0.5, images.flip(3), images)


OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "colour": colour,
    "cutout": cutout,
    "flip": flip,
    "translation": translation,
}


class DiffAugment(Augment):
    """The operations of `policy`, one after the other, on every image with parameters of its own.

    Images may leave [-1, 1], as in the paper.
    """

    def __init__(self, policy: Sequence[str]) -> None:
        super().__init__()
        if isinstance(policy, str) or not set(policy) <= set(OPERATIONS):
            raise ValueError(f"policy must be a list of names from {sorted(OPERATIONS)}, got {policy!r}")
        self.policy = tuple(policy)

    def forward(self, images: Tensor) -> Tensor:
        images = full_precision(images)
        for name in self.policy:
            images = OPERATIONS[name](images)
        return images


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    """One number per image, (B, 1, 1, 1)."""
    return low + (high - low) * torch.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device)


def _integers(images: Tensor, count: int) -> Tensor:
    return torch.randint(count, (len(images), 1), device=images.device)


def _farthest(size: int) -> int:
    return (size + 4) // 8


def _shifted(images: Tensor, size: int) -> Tensor:
    """Indices (B, size) of a line, shifted by chance, within one that is longer by the farthest shift at both ends."""
    return torch.arange(size, device=images.device) + _integers(images, 2 * _farthest(size) + 1)


def _hit(images: Tensor, size: int) -> Tensor:
    """Which pixels of a line, (B, size), an interval of half its length covers."""
    half = (size + 1) // 2
    distance = torch.arange(size, device=images.device) - _integers(images, size + 1 - half % 2) + half // 2
    return (distance >= 0) & (distance < half)
