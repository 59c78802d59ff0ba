"""Scores over training, as a picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from atelier.cli.comparing.plots import legend, plain_words, save
from atelier.cli.comparing.standings import Entry
from atelier.wording import told_apart

COLOURS = ("#386cb0", "#bf5b17", "#2a9d6f", "#8e4fa8", "#c0392b", "#5c6b73", "#b8860b", "#1aa6b7")
STYLES = ("-", "--", ":", "-.")
LONGEST, ACROSS = 80, 120
"""Letters of a run's name, and of all that stands in one line of the legend."""

CREATOR = "atelier compare"


@plain_words()
def plot(found: Sequence[Entry], metric: str, path: Path) -> None:
    """Each run's course over the images it has seen, as a PNG, SVG or PDF; a mark stands where it was best."""
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
    axes.set_xlabel("images seen")
    axes.set_ylabel(metric)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    told = [f"{name}  {entry.best(metric).value:.4g}" for name, entry in zip(names, found, strict=True)]
    legend(figure, curves, told, loc="outside lower left", ncols=columns)
    save(figure, path, CREATOR)
