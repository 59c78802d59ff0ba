"""Courses of scores, drawn: what stands where."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from atelier.cli.comparing import curves
from atelier.cli.comparing.curves import plot
from atelier.cli.comparing.standings import Entry, Point


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Plots runs of these names, and gives the figure with all in its place."""
    figures = []

    def kept(**settings):
        figures.append(Figure(**settings))
        return figures[-1]

    def draw(names):
        monkeypatch.setattr(curves, "Figure", kept)
        course = {"fid": [Point(step, 32 * step, 100 / step) for step in range(1, 9)]}
        plot([Entry(name, "finished", {}, "fid", course) for name in names], "fid", tmp_path / "plot.png")
        FigureCanvasAgg(figures[-1]).draw()
        return figures[-1]

    return draw


@pytest.mark.parametrize(
    "names",
    [
        ["outputs/a", "outputs/b"],
        [f"outputs/run-{number}" for number in range(30)],
        [f"sweeps/model=wgan_gp,{'model.generator.width=64,' * 6}seed={seed}/x" for seed in (1, 2)],
        [f"outputs/{'width' * 40}"],
        [f"{letter * 100}/{letter * 100}" for letter in "abc"],
    ],
)
def test_the_legend_lies_below_the_plot_and_within_the_picture(names, drawn):
    figure = drawn(names)
    (legend,), (axes,) = figure.legends, figure.axes
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == len({text.get_text() for text in legend.get_texts()}) == len(names)
    assert box.y1 <= axes.get_tightbbox().y0
    assert (box.x0, box.y0) >= (0, 0)
    assert box.x1 <= figure.bbox.x1
    assert axes.get_window_extent().height > figure.bbox.height / 3
