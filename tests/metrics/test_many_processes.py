"""The same scores on one process as on several: real ones, which talk over gloo."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RANK = Path(__file__).parents[1] / "support" / "one_rank.py"


def scores(count, images, folder):
    """Those that every one of `count` processes has computed. All measure the real images: none has a cache."""
    started = [
        subprocess.Popen(
            [sys.executable, RANK, str(rank), str(count), str(images), str(folder / f"meeting-{count}")],
            env={**os.environ, "ATELIER_CACHE": str(folder / f"cache-{count}-{rank}")},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    found = [json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in started]
    assert all(process.returncode == 0 for process in started)
    assert all(each == found[0] for each in found)
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "count"),
    [
        (200, 3),  # which do not divide: no image may be shown twice to fill up a process
        (97, 2),  # 48 features: one process has more images than features, and sums alone; the other holds its 48
    ],
)
def test_scores_are_the_same_on_one_process_and_on_several(images, count, tmp_path):
    alone, together = scores(1, images, tmp_path), scores(count, images, tmp_path)
    assert len(alone) > 12
    assert together == pytest.approx(alone, rel=1e-10)
