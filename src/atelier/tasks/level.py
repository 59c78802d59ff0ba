"""One look through an encoder: its activations, changed towards a style, drawn again by a decoder."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from atelier import processes
from atelier.networks import taps as tapped
from atelier.networks.decoder import Decoder
from atelier.networks.taps import Activations
from atelier.networks.transforms.base import Transform
from atelier.networks.vgg import Encoder

DecoderFactory = Callable[[Mapping[str, int]], nn.Module]
"""Makes a decoder for the encoder's widths."""
TransformFactory = Callable[[Mapping[str, int]], Transform]


FIRST = 1 / 16
"""The root mean square of a decoder's first pictures, about, where those of the world have 0.5 (docs/decisions.md)."""


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
        """Margin in pixels that a stylised pixel depends on, global statistics aside.

        The decoder's is from activations of which each stands for whole places.
        """
        seen = tapped.margin(self.encoder.widths, self.transform.taps)
        decoder: Any = self.decoder
        return int(-(-seen // self.stride) * self.stride + self.transform.reach + decoder.reach)

    @property
    def bytes_per_pixel(self) -> float:
        """What a window takes: its pixels before and after, and the most that is there at once between them.

        That is a layer's values beside those of the one before, or the activations that are described or changed, in
        three copies. Measured within 30 % for encoders and decoders whose widest maps have 16 to 64 channels; of
        `vgg_estimated`, whose wide taps are not all asked for, with a slim decoder, 60 % was needed.
        """
        widths, taps = self.encoder.widths, self.transform.taps
        maps = [3.0, *(width / tapped.stride(name) ** 2 for name, width in widths.items())]
        drawn = self.decoder.widest if isinstance(self.decoder, Decoder) else 0.0
        layers = max(drawn, *(before + after for before, after in pairwise(maps)))
        looked_at = sum(widths[tap] / tapped.stride(tap) ** 2 for tap in taps)
        return 4 * (2 * 3 + max(1.15 * layers + looked_at, 3 * looked_at))

    @torch.no_grad()
    def begin(self) -> None:
        """Suit the decoder to its features, whose size differs between encoders by more than ten times.

        Measured on noise. First pictures are nearly grey: from larger values training would be long in coming back. To
        be called once, before anything is learned.
        """
        if isinstance(self.decoder, Decoder):
            seen = self.encode(noise().to(next(self.decoder.parameters()).device))
            size = processes.averaged(self.transform.plain(seen).square().mean().sqrt())  # to the last bit the same
            self.decoder.suit(size.item(), FIRST)

    def encode(self, images: Tensor) -> Activations:
        return self.encoder.taps(images, self.transform.taps)

    def learn(self, style: Tensor) -> Any:
        """What the transform keeps of styles (B, 3, H, W)."""
        return self.transform.learn(self.encode(style))

    def changed(self, content: Activations, style: Activations) -> Tensor:
        """The features (B, C, h, w) that the decoder is to draw, of whole pictures."""
        return self.transform(content, self.transform.summarise(content), self.transform.learn(style))

    def draw(self, features: Tensor) -> Tensor:
        """Images about [-1, 1]."""
        return self.decoder(features)


def noise() -> Tensor:
    """Soft blots of colour, (2, 3, 128, 128) in about [-1, 1]: the same each time, and no random numbers of a run."""
    blots = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return interpolate(2 * blots - 1, 128, mode="bicubic")
