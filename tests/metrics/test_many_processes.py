"""The same scores on one process as on several: real ones, which talk over gloo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RANK = Path(__file__).with_name("one_rank.py")


def scores(count, tmp_path):
    """Those that every one of `count` processes has computed."""
    meeting = tmp_path / f"meeting-{count}"
    started = [
        subprocess.Popen([sys.executable, RANK, str(rank), str(count), str(meeting)], stdout=subprocess.PIPE, text=True)
        for rank in range(count)
    ]
    found = [json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in started]
    assert all(process.returncode == 0 for process in started)
    assert all(each == found[0] for each in found)
    return found[0]


@pytest.mark.slow
def test_scores_are_the_same_on_one_process_and_on_three(tmp_path):
    """200 images do not divide by 3: no image may be shown twice to fill up a process."""
    alone, together = scores(1, tmp_path), scores(3, tmp_path)
    assert len(alone) > 12
    assert together == pytest.approx(alone, rel=1e-10)
