"""Padding by reflection, and padding that wraps around, so that what a generator draws tiles."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad


class Conv2d(nn.Conv2d):
    """torch's layer, padding by `padded`."""

    padding: tuple[int, ...]

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode == "zeros":
            return super().forward(input)
        around = padded(input, self.padding[0], self.padding_mode)
        return conv2d(around, self.weight, self.bias, self.stride)


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's layer, which can also pad circularly; then with stride s it makes sides s times as long."""

    padding: tuple[int, ...]

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        if self.padding_mode == "zeros" or self.padding == (0, 0):
            return conv_transpose2d(input, self.weight, self.bias, self.stride, self.padding, self.output_padding)
        around = self.kernel_size[0] // self.stride[0]  # as far as one output pixel's neighbours reach
        cut = self.padding[0] + around * self.stride[0]
        wrapped = circular(input, around)
        return conv_transpose2d(wrapped, self.weight, self.bias, self.stride, cut, self.output_padding)


def padded(maps: Tensor, width: int, mode: str) -> Tensor:
    """(B, C, H, W) with `width` pixels around it, as torch pads.

    Where torch is to be deterministic, by steps that are so on a GPU too: its own gradient of a reflection is not.
    """
    if mode != "reflect" or not torch.are_deterministic_algorithms_enabled():
        return pad(maps, [width] * 4, mode)
    for dim in (2, 3):
        last = maps.shape[dim] - 1
        before, after = maps.narrow(dim, 1, width), maps.narrow(dim, last - width, width)
        maps = torch.cat([before.flip(dim), maps, after.flip(dim)], dim)
    return maps


def circular(images: Tensor, width: int) -> Tensor:
    """(B, C, H, W) with `width` pixels from the opposite side around it; wider than the image, too."""
    while width > min(images.shape[2:]):
        images, width = pad(images, [min(images.shape[2:])] * 4, mode="circular"), width - min(images.shape[2:])
    return pad(images, [width] * 4, mode="circular")


def make_seamless(network: nn.Module) -> None:
    """Let every layer that pads do so circularly. A layer of ours that pads says so by its `padding_mode`.

    Raises ValueError where none does, as in a fully connected network.
    """
    padding = [module for module in network.modules() if hasattr(module, "padding_mode")]
    if not padding:
        raise ValueError("seamless must be false for a network without convolutions: nothing in it can wrap around")
    for module in padding:
        module.padding_mode = "circular"  # type: ignore[assignment]  # an attribute, no submodule


def roll_each(images: Tensor) -> Tensor:
    """Each image shifted around its torus by an offset of its own."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) + torch.randint(height, (len(images), 1), device=images.device)
    columns = torch.arange(width, device=images.device) + torch.randint(width, (len(images), 1), device=images.device)
    index = torch.arange(len(images), device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[index, rows[:, :, None] % height, columns[:, None] % width].permute(0, 3, 1, 2)
