"""What a score is: numbers from the real images and from what the generated ones left behind."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from atelier.metrics.accumulators import Accumulator
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.loadable import Loadable
from atelier.metrics.reference import Reference


class Score(ABC):
    """One or several numbers that are computed together.

    `literature` maps the name of each to what it is called on Inception's features, and only there: FID is a Fréchet
    distance, but few Fréchet distances are FID.
    """

    literature: ClassVar[Mapping[str, str]]
    distance: ClassVar[str | None] = None
    """That of its numbers by which the best checkpoint may be chosen: lower is better."""
    needs_classes: ClassVar[bool] = False
    """Whether both sides must have labels."""
    fewest: int = 2
    """Generated images without which there is no such score."""
    fewest_real: int = 2
    networks: Sequence[Loadable] = ()
    """Those that it looks at images through beside the extractor."""

    @abstractmethod
    def accumulator(self, extractor: Extractor) -> Accumulator:
        """What gathers its evidence. Scores of one `Scores` share accumulators of one type.

        The extractor is loaded.
        """

    @abstractmethod
    def compute(self, real: Reference, evidence: Any) -> dict[str, float]:
        """By the names of `literature`, or such a name, a slash and one of the data's classes.

        `evidence` is what the accumulator computed.
        """

    def misfit(self, real: Tensor, generated: Tensor | None) -> str | None:
        """Why images of these classes, int64 (N,), do not do, where they do not; None for classes not known yet."""
        return None

    def protocol(self) -> dict[str, object]:
        """What the card must say beside what holds for all scores."""
        return {}

    def recorded(self, name: str, extractor: Extractor) -> str:
        """What one of `literature` is called on the features of `extractor`."""
        return self.literature[name] if extractor.of_the_literature else f"{extractor.name}_{name}"
