"""Courses of scores, drawn: what stands where."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from atelier.cli.comparing import curves
from atelier.cli.comparing.curves import plot
from atelier.cli.comparing.standings import Entry, Point


def course(steps, first=1, worst=100.0):
    return [Point(step, 32 * step, worst / (step - first + 1)) for step in range(first, first + steps)]


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Plots the courses of runs, by their names, and gives the figure with all in its place."""
    figures = []

    def kept(**settings):
        figures.append(Figure(**settings))
        return figures[-1]

    def draw(courses):
        monkeypatch.setattr(curves, "Figure", kept)
        found = [Entry(name, "finished", {}, "fid", {"fid": course}) for name, course in courses.items()]
        plot(found, "fid", tmp_path / "plot.png")
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
    figure = drawn(dict.fromkeys(names, course(8)))
    (legend,), (axes,) = figure.legends, figure.axes
    box = legend.get_window_extent()
    assert len(legend.get_texts()) == len({text.get_text() for text in legend.get_texts()}) == len(names)
    assert box.y1 <= axes.get_tightbbox().y0
    assert (box.x0, box.y0) >= (0, 0)
    assert box.x1 <= figure.bbox.x1
    assert axes.get_window_extent().height > figure.bbox.height / 3


@pytest.mark.parametrize(
    ("courses", "scales"),
    [
        ({"a": course(8), "b": course(5)}, ("linear", "linear")),
        ({"a": course(90), "b": course(9)}, ("log", "log")),
        ({"a": course(40), "b": course(40)}, ("linear", "log")),
        ({"a": course(90), "b": course(9, first=0)}, ("linear", "log")),  # of no image yet
        ({"a": course(40, worst=-100.0)}, ("linear", "linear")),
        ({"a": [*course(3), Point(4, 128, 0.0)]}, ("linear", "linear")),
        ({"a": [*course(3), Point(4, 128, float("inf"))]}, ("linear", "linear")),
    ],
)
def test_axes_are_logarithmic_where_a_run_would_be_a_stroke_at_the_edge(courses, scales, drawn):
    (axes,) = drawn(courses).axes
    assert (axes.get_xscale(), axes.get_yscale()) == scales
    marks = [text.get_text() for axis in (axes.xaxis, axes.yaxis) for text in axis.get_majorticklabels()]
    assert any(marks)
    assert not any("$" in mark for mark in marks)
    assert not any(text.get_text() for axis in (axes.xaxis, axes.yaxis) for text in axis.get_minorticklabels())
