"""3×3 convolutions that pad by reflection, as in style transfer, where a border of zeros would show.

Up to rounding they are what padding, and enlarging, in steps of their own would give, for less.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, pad

from atelier.networks.padding import Conv2d
from atelier.networks.winograd import Kernels, pays, pays_for_once, reflected
from atelier.networks.winograd_sums import convolved


class ReflectedConv2d(Conv2d):
    """Features (B, C, H, W) to (B, O, H, W), with one pixel reflected around them.

    A side of one pixel, which a picture of 16 has after four poolings, is its own reflection.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, padding_mode="reflect")
        self.kernels = Kernels()

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode != "reflect":
            return super().forward(input)
        if min(input.shape[2:]) < 2:
            return conv2d(mirrored(input), self.weight, self.bias)
        learns = self.weight.requires_grad or self._differentiated(input) or torch.compiler.is_compiling()
        if learns and pays_for_once(input, self.weight):
            return reflected(input, self.weight, self.bias)
        if self._differentiated(input):
            return super().forward(input)
        if not learns and pays(input, self.weight):
            return convolved(pad(input, [1] * 4, "reflect"), self.kernels.of(self.weight), self.bias)
        return bordered(conv2d(input, self.weight, self.bias, padding=1), input, self.weight)

    def _differentiated(self, input: Tensor) -> bool:
        return torch.is_grad_enabled() and (input.requires_grad or self.weight.requires_grad)


def mirrored(input: Tensor) -> Tensor:
    """Features (B, C, H, W) of any size within their reflection, (B, C, H + 2, W + 2)."""
    rows, columns = ("reflect" if side > 1 else "replicate" for side in input.shape[2:])
    return pad(pad(input, [1, 1, 0, 0], columns), [0, 0, 1, 1], rows)


def bordered(drawn: Tensor, input: Tensor, weight: Tensor) -> Tensor:
    """Add to what a convolution gave of a map within zeros what it lacks of the map within its reflection; in place.

    Padding copies the map; this touches its four edges alone. Under a gradient it would cost more than the copy.
    """
    above, below = pad(input[:, :, 1:2], [1, 1, 0, 0], "reflect"), pad(input[:, :, -2:-1], [1, 1, 0, 0], "reflect")
    drawn[:, :, :1] += conv2d(above, weight[:, :, :1])
    drawn[:, :, -1:] += conv2d(below, weight[:, :, 2:])
    # the corners' pixels above and below are in already: here they are zeros
    drawn[..., :1] += conv2d(input[..., 1:2], weight[..., :1], padding=(1, 0))
    drawn[..., -1:] += conv2d(input[..., -2:-1], weight[..., 2:], padding=(1, 0))
    return drawn


class UpsampleConv2d(nn.Conv2d):
    """Features (B, C, H, W), enlarged to their nearest neighbours, reflected and convolved: (B, O, 2 H, 2 W).

    Of 3×3 pixels of the enlarged map, 2×2 at most differ. So each output is made of 2×2 pixels of the small map by sums
    of the weights, 2.25 times fewer products; the four kernels, one for each place in a pixel, are the stride-2
    transposed convolution by one 4×4 kernel. Gradients reach the 3×3 weights, cheaper by as much.
    """

    reach = 2
    """Places of the enlarged map, at most, from one to the end of what it sees of the small one."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, padding_mode="reflect")

    def forward(self, input: Tensor) -> Tensor:
        surrounded = repeated(input) if self.padding_mode == "reflect" else pad(input, [1] * 4, "circular")
        # cut 1 pixel of the kernel's own margin, and 2 that what is around the map has become
        return conv_transpose2d(surrounded, folded(self.weight), self.bias, stride=2, padding=3)


class SmoothUpsampleConv2d(ReflectedConv2d):
    """Features (B, C, H, W), enlarged bilinearly, reflected and convolved: (B, O, 2 H, 2 W).

    Enlarged to nearest neighbours a gentle slope is a staircase, whose steps all that follows may take for strokes.
    """

    reach = 3

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode == "reflect":
            return super().forward(smoothly_enlarged(input))
        around = smoothly_enlarged(pad(input, [1] * 4, "circular"))
        return super().forward(around[..., 2:-2, 2:-2])


Upsampling = Literal["nearest", "bilinear"]
ENLARGING: dict[str, type[UpsampleConv2d | SmoothUpsampleConv2d]] = {
    "nearest": UpsampleConv2d,
    "bilinear": SmoothUpsampleConv2d,
}


def enlarging(upsampling: Upsampling) -> type[UpsampleConv2d | SmoothUpsampleConv2d]:
    """The layer of that name. Raises ValueError where there is none."""
    if upsampling not in ENLARGING:
        raise ValueError(f"upsampling must be one of {[*ENLARGING]}, got {upsampling!r}")
    return ENLARGING[upsampling]


def smoothly_enlarged(features: Tensor) -> Tensor:
    return interpolate(features, scale_factor=2, mode="bilinear")


def repeated(features: Tensor) -> Tensor:
    """With their outermost pixels once more around them: enlarged, that is the reflection of the enlarged map.

    (Of torch's padding by replication, torch.compile gets the strides of the gradient wrong, as of 2.15.)
    """
    for dim in (2, 3):
        last = features.shape[dim] - 1
        features = torch.cat([features.narrow(dim, 0, 1), features, features.narrow(dim, last, 1)], dim)
    return features


def folded(weight: Tensor) -> Tensor:
    """Filters (O, C, 3, 3) of an enlarged map as the transposed convolution's (C, O, 4, 4) of the small one.

    A pixel adds to the four outputs along a line, from one before its own two to one after them, as many of its two
    copies as each sees.
    """
    for dim in (2, 3):
        before, centre, after = weight.unbind(dim)
        weight = torch.stack([after, centre + after, before + centre, before], dim)
    return weight.transpose(0, 1)
