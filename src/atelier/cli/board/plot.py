"""Two measures of the board against each other: most methods win in one what they lose in the other."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from atelier.cli.board.row import Row
from atelier.cli.board.scoring import Score
from atelier.cli.board.sheet import arrow
from atelier.cli.comparing.curves import COLOURS
from atelier.cli.comparing.plots import legend, plain_words, save

CREATOR = "atelier leaderboard"


@plain_words()
def plot(rows: Sequence[Row], path: Path) -> None:
    """The first two measures with their intervals, as a PNG; nothing where there is one.

    Only of methods that have all styles, if there are any.
    """
    rivals = [row for row in rows if row.whole] or rows
    names = [*rivals[0].scores][:2]
    if len(names) < 2:
        return
    figure = Figure(figsize=(6.5, 5), layout="constrained")
    axes = figure.subplots()
    marks = []
    for place, row in enumerate(rivals):
        down, across = (row.scores[name] for name in names)
        mark = axes.errorbar(
            across.value, down.value, _reach(down), _reach(across), "o", color=COLOURS[place % len(COLOURS)],
            capsize=3, linewidth=1.2,
        )  # fmt: skip
        marks.append(mark)
    down_label, across_label = (f"{name.replace('_', ' ')} {arrow(rivals[0].scores[name])}" for name in names)
    axes.set(xlabel=across_label, ylabel=down_label)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    legend(axes, marks, [row.name for row in rivals])
    save(figure, path, CREATOR)


def _reach(score: Score) -> list[list[float]] | None:
    """How far the interval reaches below and above."""
    if score.low is None or score.high is None:
        return None
    return [[max(0.0, score.value - score.low)], [max(0.0, score.high - score.value)]]
