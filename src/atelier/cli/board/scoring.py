"""What every pair of the grid scores, and how sure the means are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from atelier.cli.board.grid import Grid, file_name
from atelier.cli.board.intervals import Draws, interval
from atelier.cli.devices import device
from atelier.cli.scoring.transfers import load, measures_of, read_square
from atelier.data.progress import watched
from atelier.metrics.style.artfid import ArtFid
from atelier.metrics.style.base import Measure


class Score(NamedTuple):
    value: float
    low: float | None
    """The ends of the interval; None where there is a single pair."""
    high: float | None
    pairs: list[list[float]] | None
    """By content, then by style; None for what compares sets."""
    drawn: Tensor
    """The score in each of the draws (R,)."""
    higher_is_better: bool

    @property
    def told(self) -> dict[str, Any]:
        way = "higher" if self.higher_is_better else "lower"
        return {"value": self.value, "low": self.low, "high": self.high, "better": way, "pairs": self.pairs}


class Scorer:
    """Reads pictures as `atelier score` does. Its networks stay loaded from one method to the next.

    Raises UserError for a measure that there is not, or whose weights are not to be had.
    """

    def __init__(self, names: Sequence[str], grid: Grid) -> None:
        self.grid, self.measures = grid, measures_of(names)
        load(self.measures, device())

    def card(self) -> dict[str, Any]:
        """What must be alike for two boards to compare."""
        return {measure.name: measure.protocol() for measure in self.measures}

    def scores(self, folder: Path, styles: Sequence[str]) -> dict[str, Score]:
        """Of a method's folder, by their names, in the order of the measures."""
        tables = {measure: torch.empty(len(self.grid.contents), len(styles)).double() for measure in self.measures}
        for measure in self.measures:
            measure.reset()
        cells = [(row, column) for row in range(len(self.grid.contents)) for column in range(len(styles))]
        for row, column in watched(cells, f"looking at {folder.name}", len(cells)):
            triple = self._triple(folder, [*self.grid.contents][row], styles[column])
            for measure, table in tables.items():
                before = float(measure.total)
                measure.update(*triple)
                table[row, column] = float(measure.total) - before  # in float64: what this pair has added
        draws = Draws.of(len(self.grid.contents), len(styles))
        return {name: found for measure, table in tables.items() for name, found in _scores(measure, table, draws)}

    def _triple(self, folder: Path, content: str, style: str) -> list[Tensor]:
        stylised = read_square(folder / file_name(content, style), "--out", self.grid.size)
        return [pixels.to(device()) for pixels in (self.grid.contents[content], self.grid.styles[style], stylised)]


def _scores(measure: Measure, table: Tensor, draws: Draws) -> list[tuple[str, Score]]:
    values = measure.compute()
    drawn: dict[str, Tensor]
    if isinstance(measure, ArtFid):
        drawn, pairs = _drawn_artfid(measure, table, draws), None
    else:
        drawn, pairs = {measure.name: draws.means(table)}, table.tolist()
    found = []
    for name, value in values.items():
        low, high = interval(value, drawn[name]) if table.numel() > 1 else (None, None)
        found.append((name, Score(value, low, high, pairs, drawn[name], bool(measure.higher_is_better))))
    return found


def _drawn_artfid(measure: ArtFid, lost: Tensor, draws: Draws) -> dict[str, Tensor]:
    """Both factors of ArtFID and the two Gaussians are those of the pairs that were drawn."""
    stylised, style = (torch.cat(parts).cpu() for parts in (measure.stylised_features, measure.style_features))
    contents, styles = lost.shape
    distances = draws.frechet_distances(stylised.view(contents, styles, -1), style[:styles])  # one row has them all
    return {measure.name: (1 + draws.means(lost)) * (1 + distances), f"{measure.name}_frechet_distance": distances}
