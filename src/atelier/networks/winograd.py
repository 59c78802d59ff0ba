"""3×3 convolutions by a quarter of the multiplications (Winograd's F(4×4, 3×3); Lavin & Gray 2016), for a CPU.

Torch's own kernels already run as fast as the processor can: with the same weights in float32, only fewer
multiplications are faster. Wide layers train 1.3 (128 channels) to 1.7 times (256) as fast; the result differs by 3e-6
of its norm at most. A thread keeps working memory for it: eight times its widest layer's weights, and 14 MB for 256
channels' tiles.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from atelier.networks.winograd_sums import channels_first, channels_last, convolved, gradients, transformed

LEAST = 128 * 128
"""Channels of input times channels of output, below which the detour costs about what it saves, or more."""

FEWEST = 32 * 32
"""Pixels of a batch of maps, below which to transform filters for one pass costs about what it saves, or more."""


def pays(input: Tensor, weight: Tensor) -> bool:
    """Whether the detour is allowed, and shorter."""
    if input.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return input.dtype == weight.dtype == torch.float32 and weight.shape[0] * weight.shape[1] >= LEAST


def pays_for_once(input: Tensor, weight: Tensor) -> bool:
    """The same where the weights' transforms are not kept."""
    return pays(input, weight) and input.shape[0] * input.shape[2] * input.shape[3] >= FEWEST


def reflected(map: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`conv2d` of (B, C, H, W), a pixel reflected around it, by filters (O, C, 3, 3): (B, O, H, W), laid as the map is.

    Gradients reach all three, but cannot themselves be differentiated. Of torch.compile's graph it is one node.
    """
    drawn = _reflected(map, weight)
    return drawn if bias is None else drawn + bias[:, None, None]


# The transformed filters are made in each pass, which is 3 to 15 % of it: whoever kept them would have to notice that
# weights have changed, within compiled graphs too. Only the map is saved for the gradients.


@torch.library.custom_op("atelier::convolve_reflected", mutates_args=(), device_types="cpu")
def _reflected(map: Tensor, weight: Tensor) -> Tensor:
    return _laid(convolved(_surrounded(map), transformed(weight, kept=False)), map)


@_reflected.register_fake
def _(map: Tensor, weight: Tensor) -> Tensor:
    return map.new_empty((map.shape[0], weight.shape[0], *map.shape[2:])).to(memory_format=_layout(map))


@torch.library.custom_op("atelier::convolve_reflected_backward", mutates_args=(), device_types="cpu")
def _backward(slope: Tensor, map: Tensor, weight: Tensor, to_map: bool, to_weight: bool) -> tuple[Tensor, Tensor]:
    kernels = transformed(weight, kept=False) if to_map else None
    of_surrounded, of_weight = gradients(slope, kernels, _surrounded(map) if to_weight else None)
    of_map = None
    if of_surrounded is not None:
        of_map = _laid(torch.ops.aten.reflection_pad2d_backward(of_surrounded, channels_last(map), [1] * 4), map)
    return (map.new_empty(0) if of_map is None else of_map, map.new_empty(0) if of_weight is None else of_weight)


@_backward.register_fake
def _(slope: Tensor, map: Tensor, weight: Tensor, to_map: bool, to_weight: bool) -> tuple[Tensor, Tensor]:
    of_map = torch.empty_like(map, memory_format=_layout(map)) if to_map else map.new_empty(0)
    return of_map, map.new_empty(weight.shape) if to_weight else map.new_empty(0)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(ctx: Any, slope: Tensor) -> tuple[Tensor | None, Tensor | None]:
    to_map, to_weight = ctx.needs_input_grad
    of_map, of_weight = _backward(slope, *ctx.saved_tensors, to_map, to_weight)
    return of_map if to_map else None, of_weight if to_weight else None


_reflected.register_autograd(_differentiate, setup_context=_keep)


def _surrounded(map: Tensor) -> Tensor:
    return pad(channels_last(map), [1] * 4, "reflect")


def _laid(found: Tensor, like: Tensor) -> Tensor:
    return channels_first(found) if _layout(like) is torch.contiguous_format else found


def _layout(map: Tensor) -> torch.memory_format:
    last = map.is_contiguous(memory_format=torch.channels_last) and not map.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


class Kernels:
    """Frozen weights, transformed: four times as large, and made anew only when they were written to.

    Writing through `weight.data` goes unnoticed, for torch counts no version of it.
    """

    def __init__(self) -> None:
        self._made: tuple[Tensor, int, Tensor] | None = None

    def of(self, weight: Tensor) -> Tensor:
        made = self._made
        if made is None or made[0] is not weight or made[1] != weight._version:
            made = self._made = weight, weight._version, transformed(weight)
        return made[2]


class FrozenConv2d(nn.Conv2d):
    """With 3×3 weights and zeros around its input; by fewer multiplications where it learns nothing and that pays."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)
        self.kernels = Kernels()

    def forward(self, input: Tensor) -> Tensor:
        learns = any(parameter.requires_grad for parameter in self.parameters())
        if self.padding_mode == "zeros" and input.dim() == 4 and not learns and pays(input, self.weight):
            return _Convolve.apply(input, self)
        return super().forward(input)


class _Convolve(torch.autograd.Function):
    """With a gradient for the input alone."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, layer: FrozenConv2d) -> Tensor:
        ctx.layer = layer
        return convolved(pad(input, [1] * 4), layer.kernels.of(layer.weight), layer.bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        found, _ = gradients(slope, ctx.layer.kernels.of(ctx.layer.weight))
        return cast(Tensor, found)[..., 1:-1, 1:-1].contiguous(memory_format=torch.channels_last), None
