"""The last convolution of a network that draws: from many channels to a picture's three."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad, pixel_shuffle

from atelier.networks.padding import Conv2d, padded


class ToPixels(Conv2d):
    """A convolution to few channels, four neighbouring places at a time; sides must be even.

    Three channels leave most of a processor's lanes idle. Four places' outputs as twelve channels of one place, with a
    kernel that is one larger and a stride of 2, are the same sums in about a third of the time, though with 1.2 times
    the multiplications.
    """

    def forward(self, input: Tensor) -> Tensor:
        around = padded(input, self.padding[0], self.padding_mode)
        offsets = [(down, right) for down in (0, 1) for right in (0, 1)]
        shifted = [pad(self.weight, [right, 1 - right, down, 1 - down]) for down, right in offsets]
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        return pixel_shuffle(conv2d(around, torch.stack(shifted, 1).flatten(0, 1), bias, stride=2), 2)
