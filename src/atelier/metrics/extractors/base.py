"""What turns images into that which scores are made of: features, and logits over classes."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from atelier.metrics.extractors.resizing import KERNELS
from atelier.wording import listed

BATCH = 32
"""Images in every forward pass, always as many: the last bits of a feature may depend on how many are beside it."""


class Features(NamedTuple):
    pooled: Tensor
    """float32 (B, D)"""
    logits: Tensor | None
    """float32 (B, classes); None where the network knows no classes."""


class Extractor(ABC):
    """A network, how images reach its size, and where its weights come from.

    `kernel` names the resize: `tf1`, that of the first FID code, or `antialias`.
    """

    name: str
    """Stands before the names of its scores, but for Inception's."""
    side: int
    """Pixels along a side of the square images that the network takes."""
    size: int
    """Features of an image; known once the network is loaded."""
    classes: int | None
    """Logits of an image; None where the network knows no classes. Known once it is loaded, but for None."""
    of_the_literature: bool = False
    """Whether its scores are those that published ones are called after, as FID is."""
    kernels: ClassVar[Collection[str]] = KERNELS
    """What `kernel` may be."""

    def __init__(self, kernel: str) -> None:
        if kernel not in self.kernels:
            raise ValueError(f"resize must be one of {listed(self.kernels)}, got {kernel!r}")
        self.kernel = kernel

    @abstractmethod
    def fetch(self) -> None:
        """See that the weights are on disk, downloading them if need be. Raises UserError where they cannot be had."""

    @abstractmethod
    def load(self, device: torch.device) -> None:
        """Build the network from its weights on disk."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of the weights' file."""

    @abstractmethod
    def extract(self, images: Tensor) -> Features:
        """Features of images (BATCH, 3, side, side), float32 in 0..255, on the device it was loaded for."""

    @torch.no_grad()
    def __call__(self, images: Tensor | Sequence[Tensor]) -> Features:
        """Features of uint8 images: one tensor (B, 3, H, W), or images (3, H, W) each of a size of its own."""
        parts = [self._extract_some(some) for some in self._resized(images)]
        pooled, logits = zip(*parts, strict=True)
        return Features(torch.cat(pooled), None if None in logits else torch.cat(logits))

    def _resized(self, images: Tensor | Sequence[Tensor]) -> Iterator[Tensor]:
        resize = KERNELS[self.kernel]
        for start in range(0, len(images), BATCH):
            some = images[start : start + BATCH]
            if isinstance(some, Tensor):
                yield resize(some, self.side)
            else:
                yield torch.cat([resize(image[None], self.side) for image in some])

    def _extract_some(self, images: Tensor) -> Features:
        count = len(images)
        with exactly(images.device):
            pooled, logits = self.extract(pad(images, (0, 0, 0, 0, 0, 0, 0, BATCH - count)))
        return Features(pooled[:count], None if logits is None else logits[:count])


@contextmanager
def exactly(device: torch.device) -> Iterator[None]:
    """All of float32, by kernels that give the same again, whatever the training around it prefers for speed.

    By default cuDNN's convolutions keep the 10 bits of TF32.
    """
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    same = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    try:
        with torch.autocast(device.type, enabled=False), same:
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
