"""Grouped convolutions with a second derivative that is made of grouped convolutions.

A convolution is linear in the maps and in the weights, so the sum of it times slopes s, T(x, w, s) = <s, x * w>, is
linear in all three. Its three derivatives are the convolution and the two steps of its backward pass, and theirs are
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

        Of what T is differentiated by, no more is read than how it is shaped and laid out.
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
        (maps, weight), geometry, wanted = ctx.saved_tensors, ctx.geometry, ctx.needs_input_grad[:2]
        if not torch.is_grad_enabled():  # the last derivative that is asked for: both in one call
            return *geometry.backward(slopes, maps, weight, wanted), None
        by_maps = _ByMaps.apply(slopes, weight, maps.detach(), geometry) if wanted[0] else None
        by_weight = _ByWeight.apply(slopes, maps, weight.detach(), geometry) if wanted[1] else None
        return by_maps, by_weight, None


class _ByMaps(Function):
    """T's derivative by the maps, which is shaped and laid out as `like`; so are the slopes that `backward` gets."""

    @staticmethod
    def forward(ctx: Any, slopes: Tensor, weight: Tensor, like: Tensor, geometry: Geometry) -> Tensor | None:
        ctx.save_for_backward(slopes, weight)
        ctx.geometry = geometry
        return geometry.backward(slopes, like, weight, [True, False])[0]

    @staticmethod
    def backward(ctx: Any, maps: Tensor) -> tuple[Tensor | None, ...]:
        (slopes, weight), geometry, wanted = ctx.saved_tensors, ctx.geometry, ctx.needs_input_grad
        by_slopes = _Convolution.apply(maps, weight, geometry) if wanted[0] else None
        by_weight = _ByWeight.apply(slopes, maps, weight.detach(), geometry) if wanted[1] else None
        return by_slopes, by_weight, None, None


class _ByWeight(Function):
    """T's derivative by the weight, which is shaped and laid out as `like`; so are the slopes that `backward` gets."""

    @staticmethod
    def forward(ctx: Any, slopes: Tensor, maps: Tensor, like: Tensor, geometry: Geometry) -> Tensor | None:
        ctx.save_for_backward(slopes, maps)
        ctx.geometry = geometry
        return geometry.backward(slopes, maps, like, [False, True])[1]

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor | None, ...]:
        (slopes, maps), geometry, wanted = ctx.saved_tensors, ctx.geometry, ctx.needs_input_grad
        by_slopes = _Convolution.apply(maps, weight, geometry) if wanted[0] else None
        by_maps = _ByMaps.apply(slopes, weight, maps.detach(), geometry) if wanted[1] else None
        return by_slopes, by_maps, None, None
