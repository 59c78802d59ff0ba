"""Grouped convolutions with a second derivative that is made of grouped convolutions.

A convolution is linear in the maps and in the weights, so the sum of it times slopes s, T(x, w, s) = <s, x * w>, is
linear in all three. Its three derivatives are the convolution and the two parts of its backward pass, and theirs are
one another: so any order takes those three, on all groups at once. torch's own second derivative (as of 2.15) takes one
group after the other, each with filters as large as the maps: on an H200 that was nine tenths of a step of R3GAN's
discriminator (docs/gpu.md).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import conv2d

from atelier.networks.twice import differentiated_twice

aten = torch.ops.aten


class GroupedConv2d(nn.Conv2d):
    """torch's layer; quick to be differentiated twice where maps are (B, C, H, W) and `padding` is numbers."""

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode != "zeros" or isinstance(self.padding, str) or input.dim() != 4:
            return super().forward(input)
        geometry = Geometry(self.stride, self.padding, self.dilation, self.groups)
        return grouped(input, self.weight, self.bias, geometry)


class Geometry(NamedTuple):
    stride: Sequence[int]
    padding: Sequence[int]
    dilation: Sequence[int]
    groups: int

    def convolution(self, maps: Tensor, weight: Tensor) -> Tensor:
        return aten.convolution(maps, weight, None, *self._arguments)

    def backward(
        self, slopes: Tensor, maps: Tensor, weight: Tensor, wanted: Sequence[bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        """T's derivatives by the maps and by the weight, those that are wanted.

        Of the argument that T is differentiated by, only the shape and the strides are read, never its values.
        """
        by_maps, by_weight, _ = aten.convolution_backward(
            slopes, maps, weight, None, *self._arguments, [*wanted, False]
        )
        return by_maps, by_weight

    @property
    def _arguments(self) -> tuple[Any, ...]:
        return self.stride, self.padding, self.dilation, False, [0, 0], self.groups


def grouped(maps: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    """Maps (B, C, H, W) convolved by a weight (O, C / groups, h, w), between zeros.

    By torch's own where nothing is to be differentiated twice, and in mixed precision, in which no slopes are taken.
    """
    if not differentiated_twice() or torch.is_autocast_enabled(maps.device.type):
        return conv2d(maps, weight, bias, *geometry)
    drawn: Tensor = _Convolution.apply(maps, weight, geometry)
    return drawn if bias is None else drawn.add_(bias[:, None, None])


class _Convolution(Function):
    """T's derivative by the slopes: the convolution itself, of maps (B, C, H, W) and a weight to (B, O, h, w)."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.geometry = geometry
        return geometry.convolution(maps, weight)

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        return *_Slopes.apply(slopes, *ctx.saved_tensors, ctx.geometry, ctx.needs_input_grad[:2]), None


class _Slopes(Function):
    """T's derivatives by the maps and by the weight, None where `wanted` says so.

    The first is of the slopes and the weight, the second of the slopes and the maps: each is linear in both.
    """

    @staticmethod
    def forward(
        ctx: Any, slopes: Tensor, maps: Tensor, weight: Tensor, geometry: Geometry, wanted: Sequence[bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(slopes, maps, weight)
        ctx.geometry = geometry
        ctx.set_materialize_grads(False)
        return geometry.backward(slopes, maps, weight, wanted)

    @staticmethod
    def backward(ctx: Any, in_maps: Tensor | None, in_weight: Tensor | None) -> tuple[Tensor | None, ...]:
        """A direction in the maps and one in the weight: None where that derivative is not used."""
        (slopes, maps, weight), geometry, wanted = ctx.saved_tensors, ctx.geometry, ctx.needs_input_grad
        by_slopes, by_maps, by_weight = [], None, None
        if in_maps is not None:
            by_slopes += [_Convolution.apply(in_maps, weight, geometry)] if wanted[0] else []
            by_weight = _Slopes.apply(slopes, in_maps, weight.detach(), geometry, (False, wanted[2]))[1]
        if in_weight is not None:
            by_slopes += [_Convolution.apply(maps, in_weight, geometry)] if wanted[0] else []
            by_maps = _Slopes.apply(slopes, maps.detach(), in_weight, geometry, (wanted[1], False))[0]
        return sum(by_slopes) if by_slopes else None, by_maps, by_weight, None, None
