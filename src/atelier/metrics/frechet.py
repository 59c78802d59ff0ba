"""The Fréchet distance between two Gaussians, in float64, by symmetric eigenvalues or singular values.

    d² = |μ₁ - μ₂|² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₁Σ₂)^½              (Dowson & Landau 1982; Heusel et al. 2017, eq. 6)

Where Σᵢ = FᵢFᵢᵀ, the last trace is the sum of the singular values of F₁ᵀF₂, whatever the factors F are: no root of a
matrix that is not symmetric has to be taken, a singular covariance does no harm, and where there are fewer samples than
features the matrix is one of samples by samples.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Gaussian(Protocol):
    """What the distance asks of its second side."""

    @property
    def mean(self) -> Tensor:
        """float64 (D,)"""

    def variance(self) -> Tensor:
        """The trace of the covariance."""

    def shared(self, factor: Tensor) -> Tensor:
        """tr (ΣFFᵀ)^½ for a factor F, (D, R), of another covariance."""


class Factored(NamedTuple):
    """A Gaussian by its mean (D,) and a factor (D, R) of its covariance, FFᵀ; float64."""

    mean: Tensor
    factor: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Factored":
        """That of samples (N, D), N >= 2, with the unbiased covariance; R is N.

        Best where there are fewer samples than features.
        """
        features = features.double()
        mean = features.mean(0)
        return cls(mean, (features - mean).T / (len(features) - 1) ** 0.5)

    def variance(self) -> Tensor:
        return self.factor.square().sum()

    def shared(self, factor: Tensor) -> Tensor:
        return torch.linalg.svdvals(factor.T @ self.factor).sum()

    def factored(self) -> "Factored":
        return self


class Full(NamedTuple):
    """A Gaussian by its mean (D,) and covariance (D, D); float64."""

    mean: Tensor
    covariance: Tensor

    def variance(self) -> Tensor:
        return self.covariance.trace()

    def shared(self, factor: Tensor) -> Tensor:
        return torch.linalg.eigvalsh(factor.T @ self.covariance @ factor).clamp(min=0).sqrt().sum()

    def factored(self) -> Factored:
        """The same Gaussian; directions without variance are left out."""
        values, vectors = torch.linalg.eigh(self.covariance)
        found = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
        return Factored(self.mean, vectors[:, found] * values[found].sqrt())


def gaussian(features: Tensor) -> Factored | Full:
    """That of samples (N, D), N >= 2, with the unbiased covariance, in the form that is cheaper to compare."""
    samples, size = features.shape
    if samples <= size:
        return Factored.of(features)
    return Full(features.double().mean(0), features.double().T.cov())


def frechet_distance(first: Factored, second: Gaussian) -> float:
    """The squared distance d², at least 0, as FID is. Raises ValueError where a side is not finite."""
    for side, name in ((first, "first"), (second, "second")):
        if not (side.mean.isfinite().all() and side.variance().isfinite()):  # oneMKL's eigenvalues end the process
            raise ValueError(f"the {name} side of a Fréchet distance must be finite")
    apart = (first.mean - second.mean).square().sum()
    distance = apart + first.variance() + second.variance() - 2 * second.shared(first.factor)
    return max(0.0, float(distance))
