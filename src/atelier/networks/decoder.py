"""From an encoder's activations back to pixels (Huang & Belongie 2017, section 6.1)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from atelier.networks.reflection import ReflectedConv2d, UpsampleConv2d, Upsampling, enlarging
from atelier.networks.taps import reach, stage, stride

MOST_CHANNELS = 512
"""Of a map within a decoder of a `width` of its own, as in VGG-19."""


class Decoder(nn.Module):
    """An encoder's mirror: a convolution for each of its own up to the tap `deepest`, enlarging where that pools.

    Reflected at the borders and without normalisation, which would take from the features their style (section 6.1).
    `widths` are those of the encoder's taps from the picture on, one per convolution; conv4_1 and its like are passed
    over. The last convolution is linear. `upsampling` is the papers' "nearest", with which small decoders draw a weave
    in plain places (docs/decisions.md), or "bilinear". With a `width` of its own, a map has so many channels at the
    picture's size and twice as many for each halving, 512 at most: the papers' decoder has 64, a slim encoder's mirror
    a quarter, which can draw little. Initial weights are those of He et al. 2015: with torch's, features shrink to
    nothing on their way through so many layers without normalisation, and pictures stay grey for long. `suit` has them
    expect features of another size than 1.
    """

    def __init__(
        self,
        widths: Mapping[str, int],
        deepest: str = "relu4_1",
        upsampling: Upsampling = "nearest",
        width: int | None = None,
    ) -> None:
        super().__init__()
        if width is not None and width < 1:
            raise ValueError(f"width must be >= 1, or null for the encoder's, got {width}")
        enlarged = enlarging(upsampling)
        taps = [name for name in widths if name.startswith("relu")]
        if deepest not in taps:
            raise ValueError(f"deepest must be among {taps}, got {deepest!r}")
        taps = taps[: taps.index(deepest) + 1]
        self.reach = reach(taps)[deepest]
        """How many of the picture's pixels deep a border of the features disturbs it; `taps.reach` says more."""
        self.convolutions = nn.ModuleDict()
        within = widths if width is None else {name: min(width * stride(name), MOST_CHANNELS) for name in taps}
        channels = widths[deepest]
        for position in reversed(range(len(taps))):
            name, below = taps[position], taps[position - 1] if position else None
            enlarge = name != deepest and stage(taps[position + 1]) > stage(name)
            if enlarge:  # `taps.reach` is of the papers' layer
                self.reach += (enlarged.reach - UpsampleConv2d.reach) * stride(name)
            layer = enlarged if enlarge else ReflectedConv2d
            drawn = within[below] if below else 3
            convolution, channels = layer(channels, drawn), drawn
            initialize(convolution, rectified=below is not None)
            self.convolutions[name] = convolution

    @property
    def widest(self) -> float:
        """The most values that a layer has before it, enlarged, and after it, for one of the picture's pixels."""
        layers: Any = self.convolutions.items()
        return max((layer.in_channels + layer.out_channels) / stride(name) ** 2 for name, layer in layers)

    @torch.no_grad()
    def suit(self, features: float, pictures: float) -> None:
        """Make of features of one root mean square pictures of another, about, instead of as large ones.

        Called before anything is learned. What sees nothing, of size 0, is left as it is.
        """
        first: Any = next(iter(self.convolutions.values()))
        if features > 0:
            first.weight.mul_(pictures / features)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, widths[deepest], h, w) to images (B, 3, H, W), about in [-1, 1].

        H is h times 2 ** (stage - 1): where an encoder's poolings rounded, not quite the picture's.
        """
        *inner, last = self.convolutions.values()
        for convolution in inner:
            features = convolution(features).relu_()
        return last(features)


def initialize(convolution: nn.Conv2d, rectified: bool) -> None:
    """Weights that keep the mean square of what passes, and then a ReLU if `rectified` (He et al. 2015, eq. 10)."""
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu" if rectified else "linear")
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
