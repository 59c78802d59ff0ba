"""How much like pictures of another domain translations into it look."""

import sys
from collections.abc import Sequence

from atelier.errors import UserError
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores


class TranslationScores(Scores):
    """Scores of what held-out contents became: of `most` of them, None: of all there are.

    `expect` says how many there are, before anything is prepared.
    """

    def __init__(self, extractor: Extractor, scores: Sequence[str], most: int | None, options: Options) -> None:
        super().__init__(extractor, scores, sys.maxsize if most is None else most, options)
        if labelled := [name for name, score in self.chosen.items() if score.needs_classes]:
            raise ValueError(f"scores must not have {labelled[0]!r} of translations, which have no classes")

    def expect(self, contents: int) -> None:
        """Raises UserError where so many are too few for a score."""
        self.count = min(self.count, contents)
        for name, score in self.chosen.items():
            if self.count < score.fewest:
                raise UserError(
                    f"metrics.scores: {name} needs {score.fewest} held-out contents or more, got {self.count}; "
                    "leave it out, or hold out more (data.validation)"
                )
