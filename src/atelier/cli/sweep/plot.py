"""A sweep's report as a picture: the score over training, and where every job ended up."""

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atelier.cli.comparing.curves import COLOURS
from atelier.cli.comparing.plots import plain_words, save
from atelier.cli.sweep.report import Group, Report
from atelier.cli.sweep.sheet import short

CREATOR = "atelier sweep-report"

NAMED = len(COLOURS)
"""Groups that have a colour and a name, the best; what comes after is grey."""
GREY = "#b9c0c8"


@plain_words()
def plot(found: Report, path: Path) -> None:
    """Left the course of every job, thick where it is the only one of its group; right their best scores, best on top.

    There, a dot is a job, a bar the mean over seeds; a hollow dot is a job that was pruned or is not over.
    """
    shown = [group for group in found.groups if any(row.score is not None for row in group.rows)]
    named = shown[:NAMED]
    height = max(4.0, 1.2 + 0.5 * len(named))
    figure = Figure(figsize=(12, height), layout="constrained")
    courses, scores = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _courses(courses, found, shown)
    _scores(scores, found, shown)
    save(figure, path, CREATOR)


def _courses(axes: Axes, found: Report, shown: list[Group]) -> None:
    for place, group in reversed([*enumerate(shown)]):  # the best on top
        colour = _colour(place)
        for row in group.rows:
            points = row.curve(found.metric or "")
            style = "-" if row.job.status == "done" else ":"
            images, values = [point.images for point in points], [point.value for point in points]
            axes.plot(images, values, style, color=colour, linewidth=1.4, alpha=0.85)
            if len(points) == 1 or (points and row.job.status != "done"):
                axes.plot(images[-1:], values[-1:], "o", color=colour, markersize=4, markerfacecolor="white")
    axes.set_xlabel("images seen")
    axes.set_ylabel(found.metric or "score")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _scores(axes: Axes, found: Report, shown: list[Group]) -> None:
    names = [group.name for group in shown[:NAMED]]
    if len(shown) > NAMED:
        names.append(f"{len(shown) - NAMED} more")
    for place, group in enumerate(shown):
        colour, line = _colour(place), min(place, NAMED)
        for row in group.rows:
            if row.score is not None:
                face = colour if row.counts else "white"
                axes.plot(row.score, line, "o", color=colour, markersize=6, markerfacecolor=face, alpha=0.85)
        if group.mean is not None and len(group.scores) > 1:
            axes.plot([group.mean] * 2, [line - 0.3, line + 0.3], color=colour, linewidth=2.5)
    axes.set_yticks(range(len(names)), [textwrap.fill(short(name), 44) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=3)  # of scores that lie close, labels are long
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    axes.set_xlabel(f"best {found.metric or 'score'}, {found.way}")
    axes.grid(axis="x", color="#e5e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _colour(place: int) -> str:
    return COLOURS[place] if place < NAMED else GREY
