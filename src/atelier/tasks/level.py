"""One look through an encoder: its activations, changed towards a style, drawn again by a decoder."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from atelier.networks import taps as tapped
from atelier.networks.transforms.base import Transform
from atelier.networks.vgg import Encoder

Activations = Mapping[str, Tensor]
DecoderFactory = Callable[[Mapping[str, int]], nn.Module]
"""Of the encoder's widths."""
TransformFactory = Callable[[Mapping[str, int]], Transform]


class Level(nn.Module):
    def __init__(self, encoder: Encoder, transform: Transform, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.transform, self.decoder = encoder, transform, decoder

    @property
    def stride(self) -> int:
        """Sides of pictures that are cut into tiles must be multiples of it."""
        return max(map(tapped.stride, self.transform.taps))

    @property
    def reach(self) -> int:
        """How many pixels around its own ones a stylised pixel depends on, but for what is gathered of the whole.

        The decoder mirrors the encoder, and reaches as far.
        """
        return 2 * tapped.margin(self.encoder.widths, self.transform.taps) + self.transform.reach

    @property
    def bytes_per_pixel(self) -> int:
        """What a window takes: the values of its largest layer, before and after it, and beside a border."""
        return 3 * 4 * max(self.encoder.widths.values()) // 4

    def encode(self, images: Tensor) -> Activations:
        return self.encoder.taps(images, self.transform.taps)

    def learn(self, style: Tensor) -> Any:
        """What is kept of styles (B, 3, H, W)."""
        return self.transform.learn(self.encode(style))

    def changed(self, content: Activations, style: Activations) -> Tensor:
        """The features (B, C, h, w) that the decoder is to draw, of whole pictures."""
        return self.transform(content, self.transform.summarise(content), self.transform.learn(style))

    def draw(self, features: Tensor) -> Tensor:
        """Images about [-1, 1]."""
        return self.decoder(features)
