"""What a network that transfers styles minimises: weighted terms of pictures and of activations at an encoder's taps.

Departure from all the papers: distances are over the size of what they are to, so that weights mean the same whatever
the encoder. (Between two of ours the squares of Gram matrices differ by a factor of a million.)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from atelier.losses.content import ContentDistance
from atelier.losses.style import Aim, StyleDistance
from atelier.losses.terms import Term
from atelier.losses.variation import TotalVariation

Activations = Mapping[str, Tensor]
"""What an encoder saw, by tap: (B, C, h, w) each."""


class Styles(Protocol):
    """The styles that a batch of pictures was given."""

    def aim(self, distance: StyleDistance, tap: str) -> Aim:
        """What the distance compares them with at this tap, one for each picture or one for all."""


class FreshStyles:
    """Styles that this step has seen for the first time."""

    def __init__(self, activations: Activations) -> None:
        self.activations = activations

    def aim(self, distance: StyleDistance, tap: str) -> Aim:
        return distance.aim(distance.describe(self.activations[tap]))


@dataclass(frozen=True)
class Redrawn:
    """Pictures as the network draws them in their own style, and what the encoder sees of both."""

    pictures: Tensor
    drawn: Tensor
    picture_activations: Activations
    drawn_activations: Activations


@dataclass(frozen=True)
class Transferred:
    """A batch of contents, what they became in style, and what the encoder sees of both."""

    content: Tensor
    stylised: Tensor
    styles: Styles
    content_activations: Activations
    stylised_activations: Activations
    goal: Activations
    """What the stylised pictures' activations were to be, at the taps where the decoder was told."""
    redraw: Callable[[], Sequence[Redrawn]]
    """Makes the contents, and the styles, redrawn."""

    @cached_property
    def redrawn(self) -> Sequence[Redrawn]:
        return self.redraw()


class TransferTerm(Term[Transferred]):
    """`taps` are those that it looks at, each with its weight."""

    def __init__(self, weight: float, taps: Mapping[str, float] = MappingProxyType({}), every: int = 1) -> None:
        super().__init__(weight, every)
        self.taps = dict(taps)


class Content(TransferTerm):
    """Distance of the activations from the content's."""

    def __init__(self, weight: float, distance: ContentDistance, taps: Mapping[str, float], every: int = 1) -> None:
        super().__init__(weight, _some(taps), every)
        self.distance = distance

    def measure(self, record: Transferred) -> Tensor:
        return self._apart(record.stylised_activations, record.content_activations)

    def _apart(self, got: Activations, wanted: Activations) -> Tensor:
        return _total(weight * self.distance.apart(got[tap], wanted[tap]).mean() for tap, weight in self.taps.items())


class Goal(Content):
    """Distance of the activations from those that the decoder was told to draw (Huang & Belongie 2017, eq. 12)."""

    reads = "goal"

    def measure(self, record: Transferred) -> Tensor:
        return self._apart(record.stylised_activations, record.goal)


class Style(TransferTerm):
    """Distance of the activations from the style's, wherever they lie."""

    def __init__(self, weight: float, distance: StyleDistance, taps: Mapping[str, float], every: int = 1) -> None:
        super().__init__(weight, _some(taps), every)
        self.distance = distance

    def measure(self, record: Transferred) -> Tensor:
        return _total(weight * self._apart(record, tap).mean() for tap, weight in self.taps.items())

    def _apart(self, record: Transferred, tap: str) -> Tensor:
        got = self.distance.describe(record.stylised_activations[tap])
        return self.distance.apart(got, record.styles.aim(self.distance, tap))


class Variation(TransferTerm):
    """Total variation of the stylised pictures."""

    def __init__(self, weight: float, every: int = 1) -> None:
        super().__init__(weight, every=every)
        self.variation = TotalVariation()

    def measure(self, record: Transferred) -> Tensor:
        return self.variation(record.stylised).mean()


class Identity(Content):
    """Distance of pictures in their own style from themselves, in activations (Park & Lee 2019, eq. 8, second part)."""

    reads = "redrawn"

    def measure(self, record: Transferred) -> Tensor:
        return _total(self._apart(of.drawn_activations, of.picture_activations) for of in record.redrawn)


class IdentityPixels(TransferTerm):
    """The same in pixels: the mean squared difference in [-1, 1] (Park & Lee 2019, eq. 8, first part)."""

    reads = "redrawn"

    def __init__(self, weight: float, every: int = 1) -> None:
        super().__init__(weight, every=every)

    def measure(self, record: Transferred) -> Tensor:
        return _total((of.drawn - of.pictures).square().mean() for of in record.redrawn)


def _total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack([*terms]).sum()


def _some(taps: Mapping[str, float]) -> Mapping[str, float]:
    """Raises ValueError where there are none."""
    if not taps:
        raise ValueError("taps must be at least one, got none")
    return taps
