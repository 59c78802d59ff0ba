"""A sweep's report as a picture."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from atelier.cli.sweep.plot import _courses, _scores
from atelier.cli.sweep.report import Report


@pytest.mark.parametrize(("metric", "way"), [("fid", "lower is better"), ("precision", "higher is better")])
def test_the_best_of_a_job_is_not_called_its_score(metric, way):
    courses, scores = Figure().subplots(1, 2)
    found = Report(Path(), metric, [], [])
    _courses(courses, found, [])
    _scores(scores, found, [])
    assert (courses.get_ylabel(), scores.get_xlabel()) == (metric, f"best {metric}, {way}")
