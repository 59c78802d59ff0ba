"""A sweep's report as a picture."""

from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from atelier.cli.sweep.plot import _courses, _scores
from atelier.cli.sweep.report import Group, Report, Row
from atelier.sweeps.ledger import Job


@pytest.mark.parametrize(("metric", "way"), [("fid", "lower is better"), ("precision", "higher is better")])
def test_the_best_of_a_job_is_not_called_its_score(metric, way):
    courses, scores = Figure().subplots(1, 2)
    found = Report(Path(), metric, [], [])
    _courses(courses, found, [])
    _scores(scores, found, [])
    assert (courses.get_ylabel(), scores.get_xlabel()) == (metric, f"best {metric}, {way}")


@pytest.mark.parametrize("values", [(0.1234561, 0.1234588), (1235.1234, 1235.1301), (12345.5, 12555.5), (2e-6, 5e-6)])
def test_scores_that_lie_close_have_labels_that_do_not_overlap(values):
    groups = [
        Group(str(value), [Row([str(value)], "1", Job([], "done", score=value), None, value)]) for value in values
    ]
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    _scores(axes, Report(Path(), "embedded_frechet_distance", groups, []), groups)
    FigureCanvasAgg(figure).draw()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    assert len(boxes) > 1
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert axes.xaxis.get_offset_text().get_text() == ""
