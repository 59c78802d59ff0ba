"""Mean and covariance of activations over the places of a picture: what "style" is in most of the literature.

They can be had of parts of a picture and merged, so that pictures larger than memory have the same.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from atelier.precision import full_precision

EPSILON = 1e-5
"""Added to variances before their root, whose slope at 0 is infinite, as the authors of AdaIN and SANet do."""


class Moments(NamedTuple):
    """Of each picture of a batch."""

    places: Tensor
    """How many, or the sum of their weights; (B,)."""
    mean: Tensor
    """(B, C)"""
    covariance: Tensor
    """About the mean, divided by the places: (B, C, C), or its diagonal alone, (B, C)."""

    def variance(self) -> Tensor:
        """(B, C)"""
        return self.covariance if self.covariance.dim() == 2 else self.covariance.diagonal(dim1=1, dim2=2)

    def deviation(self) -> Tensor:
        """(B, C), never 0."""
        return (self.variance() + EPSILON).sqrt()

    def normalise(self, activation: Tensor) -> Tensor:
        """Activations (B, C, h, w) of these pictures, or of tiles of theirs, with mean 0 and variance 1 by channel."""
        gain = self.deviation().reciprocal()
        return affine(activation, gain, -self.mean * gain)

    def merge(self, other: Self) -> "Moments":
        """Of both parts together (Chan et al. 1979, eq. 2.1)."""
        places = self.places + other.places
        share = (other.places / places.clamp_min(1e-12))[:, None]
        step = other.mean - self.mean
        both = _blend(self.covariance, other.covariance, share) + _scaled(self._spread(step), share * (1 - share))
        return Moments(places, self.mean + share * step, both)

    def _spread(self, step: Tensor) -> Tensor:
        return step.square() if self.covariance.dim() == 2 else _outer(step, step)


def full(activation: Tensor, weight: Tensor | None = None) -> Moments:
    """Mean and covariance of activations (B, C, h, w); `weight` (B, 1, h, w) says how much each place counts.

    In float32 at least, under autocast too: half precision cannot even count the places of a picture of 256 x 256.
    """
    with torch.autocast(activation.device.type, enabled=False):
        count, mean, centred, share = _centred(activation, weight)
        return Moments(count, mean, (centred * share) @ centred.transpose(1, 2))


def diagonal(activation: Tensor, weight: Tensor | None = None) -> Moments:
    """As `full`, with each channel's variance alone."""
    count, mean, centred, share = _centred(activation, weight)
    return Moments(count, mean, (centred.square() * share).sum(2))


def _centred(activation: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Count (B,), mean (B, C), the activations about it (B, C, places), each place's share (B, 1, places)."""
    flat = full_precision(activation.flatten(2))
    weights = torch.ones_like(flat[:, :1]) if weight is None else weight.flatten(2).to(flat)
    count = weights.sum((1, 2))
    share = weights / count.clamp_min(1e-12)[:, None, None]  # a region that a tile has nothing of
    mean = (flat * share).sum(2)
    return count, mean, flat - mean[:, :, None], share


def affine(activation: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Activations (B, C, h, w) times gains, plus biases, (B, C) both."""
    return torch.addcmul(bias[:, :, None, None], activation, gain[:, :, None, None])


def _outer(first: Tensor, second: Tensor) -> Tensor:
    return first[:, :, None] * second[:, None]


def _scaled(spread: Tensor, factor: Tensor) -> Tensor:
    return spread * factor if spread.dim() == 2 else spread * factor[:, :, None]


def _blend(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return _scaled(first, 1 - share) + _scaled(second, share)
