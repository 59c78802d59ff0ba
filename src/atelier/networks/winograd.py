"""3×3 convolutions by a quarter of the multiplications (Winograd's F(4×4, 3×3); Lavin & Gray 2016), for a CPU.

Torch's own kernels do all of them, as fast as the processor can: with the same weights in float32, to do fewer is the
one way left. Twice as fast for 512 channels, 1.6 times for 256; another result by 3e-6 of the norm at most. The weights
must stay as they are for a while, as they take four times their memory once more, and once again for gradients.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

SIDE, SEEN = 4, 6
"""Of a tile: the places of its output along each side, and those of its input."""

AT_ONCE = 256
"""Tiles, about: as many as the processor's cache can hold, few enough to read each weight from memory but rarely."""

LEAST = 128 * 256
"""Channels of input times channels of output, below which the detour costs about what it saves, or more."""

# Lavin & Gray 2016, section 4.1 of the arXiv version: Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, for the points 0, ±1, ±2, ∞.
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def transformed(weight: Tensor) -> Tensor:
    """Filters (O, C, 3, 3) as `convolved` takes them: (36, C, O)."""
    kernel = torch.tensor(_KERNEL, dtype=torch.float64, device=weight.device)
    found = torch.einsum("ai,ocij,bj->abco", kernel, weight.double(), kernel)
    return found.flatten(0, 1).to(weight).contiguous()


def convolved(input: Tensor, kernels: Tensor, bias: Tensor | None = None) -> Tensor:
    """Of float32 (B, C, H, W), with a pixel of zeros around it, (B, O, H, W), channels last. No gradient is kept."""
    batch, _, height, width = input.shape
    down, across = -(-height // SIDE), -(-width // SIDE)
    # to whole tiles, with the border
    surrounded = pad(input, [1, 1 + across * SIDE - width, 1, 1 + down * SIDE - height])
    surrounded = surrounded.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    size = batch, kernels.shape[2], down * SIDE, across * SIDE
    drawn = torch.empty(size, dtype=input.dtype, device=input.device, memory_format=torch.channels_last)
    rows = max(1, AT_ONCE // across)
    for picture, canvas in zip(surrounded, drawn.permute(0, 2, 3, 1), strict=True):
        for first in range(0, down, rows):
            last = min(first + rows, down)
            strip = canvas[first * SIDE : last * SIDE].unflatten(0, (-1, SIDE)).unflatten(2, (-1, SIDE))
            found = _tiles(picture[first * SIDE : last * SIDE + 2], kernels)
            strip.copy_(found.unflatten(2, strip.shape[::2][:2]).permute(2, 0, 3, 1, 4))
            if bias is not None:
                strip.add_(bias)
    # no view, which autograd would let no ReLU change in place
    return drawn[..., :height, :width].clone() if height % SIDE or width % SIDE else drawn


def _tiles(strip: Tensor, kernels: Tensor) -> Tensor:
    """Of a strip (4 n + 2, 4 m + 2, C) each tile's output: (4, 4, n m, O)."""
    down, across = (side // SIDE for side in strip.shape[:2])
    row, column, channel = strip.stride()
    size = (SEEN, SEEN, down, across, strip.shape[2])
    patches = strip.as_strided(size, (row, column, SIDE * row, SIDE * column, channel), strip.storage_offset())
    seen = torch.mm(_both(_INPUT, strip), patches.reshape(SEEN**2, -1)).view(SEEN**2, down * across, -1)
    products = torch.bmm(seen, kernels)
    return torch.mm(_both(_OUTPUT, strip), products.flatten(1)).view(SIDE, SIDE, down * across, -1)


def _both(matrix: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """For tiles with their two sides in one."""
    one = torch.tensor(matrix, dtype=like.dtype, device=like.device)
    return torch.kron(one, one)


class Kernels:
    """A layer's weights as `convolved` takes them, made anew only when they have become others."""

    def __init__(self) -> None:
        self._made: dict[bool, tuple[Tensor, int, Tensor]] = {}

    def of(self, weight: Tensor, mirrored: bool = False) -> Tensor:
        """Mirrored, they bring a gradient back."""
        made = self._made.get(mirrored)
        if made is None or made[0] is not weight or made[1] != weight._version:
            own = weight.detach()
            kernels = transformed(own.flip(2, 3).transpose(0, 1) if mirrored else own)
            made = self._made[mirrored] = weight, weight._version, kernels
        return made[2]


class FrozenConv2d(nn.Conv2d):
    """With 3×3 weights that learn nothing, and zeros around its input; by fewer multiplications where that pays."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)
        self.kernels = Kernels()

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode == "zeros" and pays(input, self.weight):
            return _Convolve.apply(input, self)
        return super().forward(input)


class _Convolve(torch.autograd.Function):
    """With a gradient for the input alone."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, layer: FrozenConv2d) -> Tensor:
        ctx.layer = layer
        return convolved(input, layer.kernels.of(layer.weight), layer.bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return convolved(slope, ctx.layer.kernels.of(ctx.layer.weight, mirrored=True)), None


def pays(input: Tensor, weight: Tensor) -> bool:
    """Whether the detour is allowed, and shorter."""
    if weight.requires_grad or input.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return input.dtype == weight.dtype == torch.float32 and weight.shape[0] * weight.shape[1] >= LEAST
