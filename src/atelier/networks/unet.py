"""The generator of pix2pix (Isola et al. 2017, section 6.1.1): down to a bottleneck and up, with every map passed on.

Noise is drawn by dropout alone, in the paper in use as well; here a trained network always draws the same.
"""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn

from atelier.networks.dcgan import Norm, initialize, normaliser
from atelier.networks.padding import ConvTranspose2d
from atelier.networks.sizes import doublings
from atelier.networks.translator import Translator

DROPPED = 3
"""How many layers drop units: the decoder's first."""


class UNet(Translator):
    """By tanh in [-1, 1]; sides are multiples of 2 ** depth.

    `width` doubles with each halving up to 8 times, C64-C128-C256-C512-C512-…; `depth`, how often pictures are halved,
    is as in the paper what brings `image_size` to a single pixel, unless given. The encoder's maps down1, down2, … are
    before their activation.
    """

    def __init__(
        self,
        image_size: int,
        width: int = 64,
        depth: int | None = None,
        norm: Norm | None = "instance",
        dropout: float = 0.5,
        masked: bool = False,
    ) -> None:
        depth = _depth(image_size, depth)
        to_a_pixel = image_size == 2**depth  # of which a norm would leave nothing
        # a normalised map has two pixels a side or more
        least = 2**depth if to_a_pixel or norm is None else 2 ** (depth + 1)
        super().__init__(masked, multiple=2**depth, least=least)
        if width < 1:
            raise ValueError(f"width must be >= 1, got {width}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        widths = [width * min(8, 2**stage) for stage in range(depth)]
        downs: list[nn.Module] = [nn.Conv2d(self.inputs, width, 4, 2, 1)]
        for halvings, (fine, coarse) in enumerate(pairwise(widths), 2):
            downs.append(_down(fine, coarse, None if halvings == depth and to_a_pixel else norm))
        self.encoder = nn.Sequential(OrderedDict((f"down{number}", part) for number, part in enumerate(downs, 1)))
        ups = []
        for number, (coarse, fine) in enumerate(pairwise(widths[::-1])):
            joined = coarse if number == 0 else 2 * coarse
            ups.append(_up(joined, fine, norm, dropout if number < DROPPED else 0))
        last = ConvTranspose2d(width if depth == 1 else 2 * width, 3, 4, 2, 1)
        self.decoder = nn.ModuleList([*ups, nn.Sequential(nn.ReLU(inplace=True), last, nn.Tanh())])
        self.widths = {"pixels": self.inputs} | {f"down{number}": channels for number, channels in enumerate(widths, 1)}
        self.apply(initialize)

    def forward(self, pictures: Tensor) -> Tensor:
        self.refuse_misfits(pictures)
        passed, drawn = [], pictures
        for down in self.encoder:
            drawn = down(drawn)
            passed.append(drawn)
        drawn = passed.pop()
        for up in self.decoder:
            drawn = up(drawn)
            if passed:
                drawn = torch.cat([drawn, passed.pop()], 1)
        return drawn


def _down(before: int, after: int, norm: Norm | None) -> nn.Module:
    convolution = nn.Conv2d(before, after, 4, 2, 1, bias=norm is None)
    return nn.Sequential(nn.LeakyReLU(0.2), convolution, normaliser(norm)(after))  # what came before is passed on


def _up(before: int, after: int, norm: Norm | None, dropout: float) -> nn.Module:
    convolution = ConvTranspose2d(before, after, 4, 2, 1, bias=norm is None)
    return nn.Sequential(nn.ReLU(inplace=True), convolution, normaliser(norm)(after), nn.Dropout(dropout))


def _depth(image_size: int, depth: int | None) -> int:
    if depth is None:
        return doublings(image_size) + 2  # which counts from a side of 4
    if depth < 1:
        raise ValueError(f"depth must be >= 1 or null, got {depth}")
    multiple = 2**depth
    if image_size < multiple or image_size % multiple:
        below = image_size // multiple * multiple
        nearest = f"{below} or {below + multiple}" if below else f"{multiple}"
        raise ValueError(
            f"image_size must be a multiple of 2 ** depth = {multiple}, got {image_size} (nearest: {nearest})"
        )
    return depth
