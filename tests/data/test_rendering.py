"""Rendering on all cores gives what rendering here gives, and leaves no process behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from atelier.data import rendering
from atelier.data.paintings import Paintings
from atelier.data.rendering import Broken, render
from atelier.data.sources import Encoded


def test_broken_pictures_keep_their_place():
    good = next(Paintings(1).pictures())
    torn = Encoded("torn.png", b"", "crop", {})
    first, second, third = render(iter([good, torn, good]), 3, 8)
    assert second == Broken("torn.png", "empty file")
    assert first.labels == third.labels


@pytest.mark.slow
def test_processes_change_nothing(monkeypatch):
    here = list(render(Paintings(100).pictures(), 100, 8))
    monkeypatch.setattr(rendering, "_FEW", 0)
    there = list(render(Paintings(100).pictures(), 100, 8))
    assert [row.labels for row in there] == [row.labels for row in here]
    np.testing.assert_array_equal([row.pixels for row in there], [row.pixels for row in here])
    assert multiprocessing.active_children() == []


BUILD = """
from atelier.data.cache import cached
from atelier.data.paintings import Paintings
if __name__ == "__main__":
    print(cached(Paintings(600), 32).folder, flush=True)
"""


@pytest.mark.slow
def test_a_killed_build_leaves_neither_a_cache_nor_a_worker(tmp_path):
    script, cache = tmp_path / "build.py", tmp_path / "cache"
    script.write_text(BUILD)
    environment = os.environ | {"ATELIER_CACHE": str(cache)}
    build = subprocess.Popen([sys.executable, script], env=environment, start_new_session=True)
    wait_until(lambda: any(path.stat().st_size > 30_000 for path in cache.rglob("pixels.npy")))
    build.kill()
    build.wait()
    wait_until(lambda: not session(build.pid))
    assert [path.suffix for path in (cache / "pixels").glob("[!.]*")] == [".building"]

    again = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True)
    (folder,) = (cache / "pixels").glob("[!.]*")
    assert again.stdout.strip() == str(folder)
    assert np.load(folder / "pixels.npy", mmap_mode="r").shape == (600, 32, 32, 3)


@pytest.mark.slow
def test_ctrl_c_stops_it_and_cleans_up(tmp_path):
    script, cache = tmp_path / "build.py", tmp_path / "cache"
    script.write_text(BUILD)
    environment = os.environ | {"ATELIER_CACHE": str(cache)}
    build = subprocess.Popen([sys.executable, script], env=environment, start_new_session=True, stderr=subprocess.PIPE)
    wait_until(lambda: any(path.stat().st_size > 30_000 for path in cache.rglob("pixels.npy")))
    os.killpg(build.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    _, complaints = build.communicate()
    assert complaints.decode().count("KeyboardInterrupt") == 1
    wait_until(lambda: not session(build.pid))
    assert list((cache / "pixels").glob("[!.]*")) == []


def session(leader):
    """Processes of a session that still run."""
    listed = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(leader)], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if " Z" not in line]


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
