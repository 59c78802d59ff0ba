"""What the board says of one method."""

from typing import Any, NamedTuple

from atelier.cli.board.painting import Cost
from atelier.cli.board.scoring import Score


class Row(NamedTuple):
    """Its scores, and what it cost to paint for them."""

    name: str
    scores: dict[str, Score]
    cost: Cost
    styles: list[str]
    whole: bool
    """Whether it has all styles of the grid: those that do not are no rivals of the others."""
    card: dict[str, Any]

    @property
    def told(self) -> dict[str, Any]:
        scores = {name: score.told for name, score in self.scores.items()}
        return {"scores": scores, **self.cost._asdict(), "styles": self.styles, "card": self.card}
