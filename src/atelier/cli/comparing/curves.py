"""Scores over training, as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from atelier.cli.comparing.plots import legend, plain_words, save
from atelier.cli.comparing.standings import Entry, Point
from atelier.wording import told_apart

COLOURS = ("#386cb0", "#bf5b17", "#2a9d6f", "#8e4fa8", "#c0392b", "#5c6b73", "#b8860b", "#1aa6b7")
STYLES = ("-", "--", ":", "-.")
LONGEST, ACROSS = 80, 120
"""Letters of a run's name, and of all that stands in one line of the legend."""

FAR = 10
"""Times the smallest value, from which on the largest leaves no room for it."""

CREATOR = "atelier compare"


@plain_words()
def plot(found: Sequence[Entry], metric: str, path: Path) -> None:
    """Each run's course over the images it has seen, as a PNG, SVG or PDF; a mark stands where it was best.

    An axis is logarithmic where, on a linear one, some of the runs would be a stroke at its edge.
    """
    names = told_apart([entry.name for entry in found], LONGEST)
    columns = max(1, ACROSS // (max(map(len, names)) + 14))
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(8, 4.5 + 0.2 * (lines - 1)), layout="constrained")
    axes = figure.subplots()
    curves = []
    for place, entry in enumerate(found):
        points, best = entry.curves[metric], entry.best(metric)
        colour, style = COLOURS[place % len(COLOURS)], STYLES[place // len(COLOURS) % len(STYLES)]
        images, values = [point.images for point in points], [point.value for point in points]
        curves += axes.plot(images, values, style, color=colour, linewidth=1.6)
        axes.plot(best.images, best.value, "o", color=colour, markersize=5)
    _spread(axes, [entry.curves[metric] for entry in found])
    axes.set_xlabel("images seen")
    axes.set_ylabel(metric)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    told = [f"{name}  {entry.best(metric).value:.4g}" for name, entry in zip(names, found, strict=True)]
    legend(figure, curves, told, loc="outside lower left", ncols=columns)
    save(figure, path, CREATOR)


def _spread(axes: Axes, courses: Sequence[Sequence[Point]]) -> None:
    points = [point for course in courses for point in course]
    if _far_apart([course[-1].images for course in courses]) and all(point.images for point in points):
        axes.set_xscale("log")
        _mark(axes.xaxis, [1.0])
    if _far_apart([point.value for point in points]):
        axes.set_yscale("log")
        _mark(axes.yaxis, [1.0, 2.0, 5.0])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _far_apart(values: Sequence[float]) -> bool:
    """Whether they are better looked at by their logarithms, which all must have."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) >= FAR * min(finite)


def _mark(axis: Axis, within_a_decade: Sequence[float]) -> None:
    """Without smaller marks, which matplotlib labels by formulas."""
    axis.set_major_locator(LogLocator(subs=within_a_decade))
    axis.set_minor_locator(NullLocator())
