"""The embedded network: a small classifier of our own, packaged with its weights, that needs no download.

It stands in for Inception-v3 in scores and for VGG-19 in perceptual losses. How it was trained, how good it is and
what not to use it for: docs/embedded.md.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple, Self

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from atelier.networks.taps import picked

WEIGHTS = Path(__file__).with_name("embedded.safetensors")
SIZE = 64
"""Side in pixels of the pictures it was trained on, to which `forward` brings every other."""

WIDTHS = {
    "relu1_1": 24,
    "relu2_1": 32,
    "relu2_2": 48,
    "relu3_1": 64,
    "relu3_2": 96,
    "relu4_1": 128,
    "relu4_2": 160,
    "relu5_1": 192,
    "relu5_2": 160,
}
"""Channels of each tap. Between stages, the first digit, an average pool halves the sides."""

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    *("colour_field", "pointillism", "impressionism", "cubism"),
    *("suprematism", "action_painting", "seascape", "op_art"),
)
"""CIFAR-10's classes, then the styles of the procedural paintings."""


class Features(NamedTuple):
    pooled: Tensor
    """The last tap averaged over the picture, float (B, 160), at least 0."""
    logits: Tensor
    """Float (B, len(CLASSES))."""


class Embedded(nn.Module):
    """3×3 convolutions and ReLUs; the batch norms of its training are folded into the convolutions."""

    widths = WIDTHS

    def __init__(self) -> None:
        super().__init__()
        before = [3, *WIDTHS.values()]
        self.convolutions = nn.ModuleDict(
            {
                name: nn.Conv2d(width_in, width, 3, padding=1)
                for (name, width), width_in in zip(WIDTHS.items(), before, strict=False)
            }
        )
        self.classifier = nn.Linear(before[-1], len(CLASSES))

    @classmethod
    def pretrained(cls) -> Self:
        """With the packaged weights, frozen, channels last. Gradients still reach the images."""
        with torch.device("meta"):  # draws no random numbers, which a run would miss
            network = cls()
        network.load_state_dict(load_file(WEIGHTS), assign=True)
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Features:
        """Images (B, 3, H, W) in [-1, 1] of any size and shape; they are squashed to SIZE × SIZE."""
        if images.shape[-2:] != (SIZE, SIZE):
            images = interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)
        for _, activation in self._walk(images):
            last = activation
        pooled = last.mean((2, 3))
        return Features(pooled, self.classifier(pooled))

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named activations at the images' own size, which must be 16 pixels or more; (B, WIDTHS[name], h, w).

        Nothing beyond the deepest tap asked for is computed.
        """
        return picked(self._walk(images), names, WIDTHS)

    def _walk(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        activation = images
        stage = "relu1"
        for name, convolution in self.convolutions.items():
            if not name.startswith(stage):
                activation = avg_pool2d(activation, 2)
                stage = name[: len(stage)]
            activation = relu(convolution(activation))
            yield name, activation
