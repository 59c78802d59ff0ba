"""The transposed convolution with which a generator begins: of a map of one place."""

from typing import Any

from torch import Tensor, nn


class FromOnePlace(nn.ConvTranspose2d):
    """torch's layer for maps (B, C, 1, 1), to (B, width, side, side): a matrix product, and computed as one.

    As a convolution it could not be compiled for a GPU: torch 2.11 mistakes the layout that its gradient will come in.
    """

    def __init__(self, channels: int, width: int, side: int, bias: bool = True) -> None:
        super().__init__(channels, width, side, bias=bias)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        by_place = self.weight.permute(0, 2, 3, 1)  # as the weights lie in memory, channels last
        maps = (input.flatten(1) @ by_place.flatten(1)).unflatten(1, by_place.shape[1:])
        return (maps if self.bias is None else maps + self.bias.to(maps.dtype)).permute(0, 3, 1, 2)
