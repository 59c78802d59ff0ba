"""How far a picture is from its content: activations of one tap of an encoder, place by place."""

import torch
from torch import Tensor, nn

from atelier import moments


class ContentDistance(nn.Module):
    """Mean squared difference of activations (Gatys et al. 2016, eq. 1, a mean and not half a sum)."""

    def forward(self, activation: Tensor, content: Tensor) -> Tensor:
        """Of activations (B, C, h, w) from the content's, as many or one for all; (B,)."""
        return (activation.float() - content.float()).square().mean((1, 2, 3))  # squares leave half precision's range

    def size(self, content: Tensor) -> Tensor:
        """The distances (B,) of activations that are all zero, kept above 0: the unit of `apart`."""
        return self(torch.zeros_like(content[:, :1, :1, :1]), content).clamp_min(1e-12)

    def apart(self, activation: Tensor, content: Tensor) -> Tensor:
        """The distances (B,) over the content's size."""
        return self(activation, content) / self.size(content)


class NormalizedContentDistance(ContentDistance):
    """The same of activations with zero mean and unit variance in each channel (Park & Lee 2019, SANet, eq. 6).

    So colours and contrast, which are the style's, may change. Departure: eq. 6 is a norm, this its mean square, as
    `ContentDistance` is. Whole pictures only; a tile, normalised by the whole picture's moments, is for the other.
    """

    def forward(self, activation: Tensor, content: Tensor) -> Tensor:
        own, wanted = (moments.diagonal(one).normalise(one.float()) for one in (activation, content))
        return super().forward(own, wanted)

    def size(self, content: Tensor) -> Tensor:
        """1, a content's mean square but for silent channels: a picture of nothing has no variance to be normalised."""
        return content.new_ones(len(content), dtype=torch.float32)
