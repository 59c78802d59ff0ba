"""Whitening and colouring (Li et al. 2017, "Universal style transfer via feature transforms")."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from atelier.moments import full
from atelier.networks.taps import Activations
from atelier.networks.transforms.base import Summary, Transform, fitted
from atelier.precision import full_precision

VANISHING = 1e-6
"""Share of the largest variance below which a direction counts as empty.

Covariances of float32 activations know no smaller ones: whitening would blow up their rounding errors.
"""


class Colours(NamedTuple):
    mean: Tensor
    """(B, C)"""
    root: Tensor
    """Of the covariance, symmetric and in float64: (B, C, C)."""


class WCT(Transform[Colours]):
    """Gives the channels of one tap the style's mean and covariance. Learns nothing, and is no part of training: the
    matrices are constants to the gradient.
    """

    def __init__(self, tap: str = "relu4_1") -> None:
        super().__init__((tap,))
        self.tap = tap

    def summarise(self, activations: Activations, weight: Tensor | None = None) -> Summary:
        activation = activations[self.tap]
        return Summary({self.tap: full(activation, fitted(weight, activation))})

    def learn(self, activations: Activations, weight: Tensor | None = None) -> Colours:
        moments = self.summarise(activations, weight).moments[self.tap]
        return Colours(moments.mean, _power(moments.covariance, 0.5))

    def bind(self, summary: Summary, code: Colours) -> Callable[[Activations], Tensor]:
        content = summary.moments[self.tap]
        matrix = code.root @ _power(content.covariance, -0.5)  # eq. 3 after eq. 2
        shift = code.mean.double()[:, :, None] - matrix @ content.mean.double()[:, :, None]

        def transform(activations: Activations) -> Tensor:
            activation = activations[self.tap]
            # shift and product largely cancel, and of half precision little would be left
            with torch.autocast(activation.device.type, enabled=False):
                flat = full_precision(activation.flatten(2))
                return (shift.to(flat) + matrix.to(flat) @ flat).unflatten(2, activation.shape[2:])

        return transform


@torch.no_grad()
def _power(covariance: Tensor, exponent: float) -> Tensor:
    """Symmetric power of covariances (B, C, C), in float64; empty directions stay empty, others than finite are NaN."""
    known = covariance.isfinite().all(2, keepdim=True).all(1, keepdim=True)
    variances, directions = torch.linalg.eigh(covariance.double().where(known, 0.0))  # which fails on others
    filled = variances > VANISHING * variances[:, -1:].clamp_min(torch.finfo(torch.float64).tiny)
    powers = torch.where(filled, variances, 1.0) ** exponent * filled
    return ((directions * powers[:, None]) @ directions.mT).where(known, torch.nan)
