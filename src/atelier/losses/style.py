"""How far apart two pictures are in style: activations of one tap of an encoder, wherever in the pictures they lie.

Each distance is in three steps. `describe` keeps what counts of a picture; descriptions of the tiles of one picture
`merge` into that of the whole. `target` prepares a style's description, once for as long as the style stays. Calling
the distance compares:

    target = distance.target(distance.describe(style_activation))
    distance(distance.describe(activation), target)          # (B,)

`aim` and `apart` are the same in units of the style itself, for weights that mean the same whatever the encoder.

Descriptions are float32 at least whatever the activations are, under autocast too: differences of large numbers are
to come.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from atelier import moments
from atelier.moments import Moments

RELATIVE_EPSILON = 1e-6
"""Of the largest variance of the style along any direction: about what float32 resolves of a covariance."""


class Mergeable(Protocol):
    """A batch of descriptions: tensors, the first axis of each is the batch's."""

    def merge(self, other: Self) -> Any:
        """Of both parts of each picture together."""


Description = TypeVar("Description", bound=Mergeable)


class StyleDistance(nn.Module, ABC, Generic[Description]):
    """A distance in style, at least 0 up to rounding, and 0 between a picture and itself."""

    held: ClassVar[int] = 5
    """How many times over activations are in memory at once until their gradient is had, at most; as measured."""

    @abstractmethod
    def describe(self, activation: Tensor, weight: Tensor | None = None) -> Description:
        """Of activations (B, C, h, w); `weight` (B, 1, h, w) in [0, 1] says how much each place counts.

        A target of which no place counts is as one of zeros.
        """

    def target(self, description: Description) -> Any:
        """What a call compares with: the description, or what is worth preparing of it."""
        return description

    @abstractmethod
    def forward(self, description: Description, target: Any) -> Tensor:
        """The distances (B,) of B pictures to the target of as many, or of one for all."""

    @abstractmethod
    def size(self, target: Any) -> Tensor:
        """The distances (B,) of activations that are all zero: the unit of `apart`."""

    def aim(self, description: Description) -> "Aim":
        """The target, and its size."""
        target = self.target(description)
        return Aim(target, self.size(target).clamp_min(1e-12))

    def apart(self, description: Description, aim: "Aim") -> Tensor:
        """The distances (B,) over the target's size, so that activations that are all zero are at distance 1."""
        return self(description, aim.target) / aim.size


class Aim(NamedTuple):
    target: Any
    size: Tensor
    """(B,), above 0."""


class OfMoments(StyleDistance[Moments]):
    """A distance of means and covariances alone, and so of pictures larger than memory, tile by tile."""

    def describe(self, activation: Tensor, weight: Tensor | None = None) -> Moments:
        return moments.full(activation, weight)

    def size(self, target: Any) -> Tensor:
        mean: Tensor = target.mean
        return self(self.describe(torch.zeros(1, mean.shape[1], 1, 1, device=mean.device)), target)


class Gram(OfMoments):
    """Squared difference of Gram matrices (Gatys et al. 2016, eq. 3-4): sum((G - A)²) / 4N², with N channels.

    Eq. 4 divides sums over places by M², the square of their number; here each matrix is divided by its own picture's
    number, so that pictures of two sizes compare.
    """

    held = 3

    def describe(self, activation: Tensor, weight: Tensor | None = None) -> Moments:
        """Moments about zero, in place of the mean: the covariance is the Gram matrix."""
        with torch.autocast(activation.device.type, enabled=False):
            places, matrix = _products(activation.float().flatten(2), weight)
        return Moments(places, matrix.new_zeros(matrix.shape[:2]), matrix)

    def forward(self, description: Moments, target: Moments) -> Tensor:
        difference = description.covariance - target.covariance
        return difference.square().sum((1, 2)) / (4 * difference.shape[1] ** 2)


class MeanDeviation(OfMoments):
    """Distance of means plus distance of standard deviations, Euclidean both (Huang & Belongie 2017, eq. 13).

    The "BN statistics" of Li et al. 2017 ("Demystifying neural style transfer") are the squares of both, over the
    number of channels.
    """

    def describe(self, activation: Tensor, weight: Tensor | None = None) -> Moments:
        return moments.diagonal(activation, weight)

    def forward(self, description: Moments, target: Moments) -> Tensor:
        means = description.mean - target.mean
        deviations = description.deviation() - target.deviation()
        # the norm's slope where both are equal is taken as 0
        return torch.linalg.vector_norm(means, dim=1) + torch.linalg.vector_norm(deviations, dim=1)


class Rooted(NamedTuple):
    """The Gaussian of a style, widened by `spread`; float64."""

    mean: Tensor
    """(B, C)"""
    root: Tensor
    """Of the widened covariance; (B, C, C)."""
    variance: Tensor
    """The trace of the widened covariance; (B,)."""
    spread: Tensor
    """What was added to the covariance's diagonal; (B,)."""


class Wasserstein(OfMoments):
    """Squared 2-Wasserstein distance of Gaussians with the pictures' means and covariances, by channel.

        |μ₁ - μ₂|² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₂^½ Σ₁ Σ₂^½)^½                                  (Dowson & Landau 1982)

    Divided by the number of channels, which brings it to the scale of `Sliced`. Both covariances have the same small
    multiple of the identity added: those of pictures are often singular (silent channels, fewer places than channels),
    where the last term's slope has no bound. By symmetric eigenvalues in float64, as the root of a float32's rounding
    error would show. No gradient reaches the style.
    """

    held = 4

    @torch.no_grad()
    def target(self, description: Moments) -> Rooted:
        values, vectors = torch.linalg.eigh(_finite(_symmetric(description.covariance)))
        spread = RELATIVE_EPSILON * values[:, -1:] + 1e-12  # a style of one colour has no variance at all
        roots = (values + spread).clamp(min=spread).sqrt()
        root = (vectors * roots[:, None]) @ vectors.transpose(1, 2)
        return Rooted(description.mean.double(), root, roots.square().sum(1), spread[:, 0])

    def forward(self, description: Moments, target: Rooted) -> Tensor:
        identity = torch.eye(target.root.shape[1], dtype=torch.float64, device=target.root.device)
        covariance = _symmetric(description.covariance) + target.spread[:, None, None] * identity
        between = torch.linalg.eigvalsh(_finite(target.root @ covariance @ target.root))
        shared = between.clamp(min=target.spread[:, None].square()).sqrt().sum(1)
        apart = (description.mean - target.mean).square().sum(1)
        trace = covariance.diagonal(dim1=1, dim2=2).sum(1)
        return ((apart + trace + target.variance - 2 * shared) / covariance.shape[1]).float()


def _products(flat: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Of activations (B, C, places) how many places count, (B,), and their channels' mean products, (B, C, C)."""
    if weight is None:
        places = flat.new_full((len(flat),), flat.shape[2])
        half = flat @ flat.detach().mT / flat.shape[2]
    else:
        weights = weight.flatten(2).to(flat)
        places = weights.sum((1, 2))
        half = (flat * (weights / places.clamp_min(1e-12)[:, None, None])) @ flat.detach().mT
    # as much as half; the transposed one brings the gradient of the other factor, without its product of large matrices
    return places, half + half.mT - half.detach()


def _symmetric(covariance: Tensor) -> Tensor:
    """In float64, and rid of rounding: of two unequal halves, eigenvalues are those of one, mirrored."""
    return (covariance.double() + covariance.double().transpose(1, 2)) / 2


def _finite(matrix: Tensor) -> Tensor:
    """Without what has no eigenvalues, and raises or ends the process; the other terms carry it into the distance."""
    return matrix.nan_to_num(0, 0, 0)
