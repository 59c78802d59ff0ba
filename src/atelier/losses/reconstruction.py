"""What a discriminator's features are to know of an image."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, l1_loss

from atelier.losses.penalties import Critique, Penalty

SIDES = (1, 2, 4, 8)
"""Pixels along a side of the squares whose means are compared."""


@runtime_checkable
class Decodes(Protocol):
    """A discriminator that draws pictures from its features of images."""

    def decode(self, features: Any) -> Iterable[tuple[Tensor, Tensor]]:
        """Pictures (B, 3, H, W) drawn, each with what it should be, of sides that are multiples of 8."""


class Reconstruction(Penalty):
    """How far real images are from those decoded of the discriminator's features.

    (Liu et al. 2021, "Towards faster and stabilized GAN training for high-fidelity few-shot image synthesis", eq. 2.)
    Departure: the paper compares them by the features of a pretrained network (LPIPS); here their pixels are, at
    several scales, so that nothing needs to be downloaded and coarse shapes count as much as detail.
    """

    needs = "decode"

    def measure(self, critique: Critique) -> Tensor:
        discriminator = critique.discriminator
        assert isinstance(discriminator, Decodes)  # as `needs` says
        features = [feature.float() for feature in critique.real_features]
        return torch.stack([distance(*pair) for pair in discriminator.decode(features)]).sum()


def distance(made: Tensor, meant: Tensor) -> Tensor:
    """Mean absolute difference of pictures, the mean over all SIDES."""
    return torch.stack([l1_loss(avg_pool2d(made, side), avg_pool2d(meant, side)) for side in SIDES]).mean()
