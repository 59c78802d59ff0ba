"""Networks through which content and style are compared, as scores use them: uint8 in, loaded when told to."""

from collections.abc import Collection
from typing import Protocol

import torch
from torch import Tensor

from atelier.metrics.packaged import Packaged
from atelier.metrics.perceptual import FromFile
from atelier.networks.vgg import Vgg19


class Encoder(Protocol):
    name: str
    prefix: str
    """Stands before the names of its scores; empty for VGG-19, with which the papers define them."""

    @property
    def digest(self) -> str:
        """SHA-256 of the weights' file."""

    def fetch(self) -> None:
        """See that the weights are on disk. Raises UserError where they cannot be had."""

    def load(self, device: torch.device) -> None:
        """Build the network from its weights on disk."""

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named activations (B, width, h, w) of uint8 images (B, 3, H, W), at the images' own size."""


class EmbeddedEncoder(Packaged):
    """The package's own small network, without a download (docs/embedded.md)."""

    prefix = "embedded_"

    @torch.no_grad()
    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        return self.network.taps(images / 127.5 - 1, names)


class Vgg19Encoder(FromFile):
    """VGG-19 with torchvision's weights of ImageNet: their file, or None for that of the cache or a download."""

    name, prefix = "vgg19", ""
    network: Vgg19

    def __init__(self, weights: str | None = None) -> None:
        super().__init__("vgg19", weights)

    def build(self) -> Vgg19:
        return Vgg19.pretrained(self.file.path)

    @torch.no_grad()
    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        return self.network.taps(images / 127.5 - 1, names)
