"""Rendering on all cores gives what rendering here gives, and leaves no process behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress

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
import sys

from atelier.data.cache import cached
from atelier.data.paintings import Paintings

class Told(Paintings):
    def pictures(self):
        for index, picture in enumerate(super().pictures()):
            if index == 300:
                print("under way", flush=True)
                sys.stdin.read()  # and stay so, for as long as there is somebody at the other end
            yield picture

if __name__ == "__main__":
    print(cached(Told(600), 32).folder, flush=True)
"""


@pytest.fixture
def build(tmp_path):
    """A build that is under way, and a way to start it. Its pipes close when its last process has ended."""
    script, environment = tmp_path / "build.py", os.environ | {"ATELIER_CACHE": str(tmp_path / "cache")}
    script.write_text(BUILD)
    process = subprocess.Popen(
        [sys.executable, script], env=environment, start_new_session=True, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # a shell's background jobs, and so the tests themselves, may ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout.readline() == "under way\n"
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_build_leaves_neither_a_cache_nor_a_worker(build, tmp_path):
    build.kill()
    build.communicate(timeout=60)
    pixels = tmp_path / "cache" / "pixels"
    assert [path.suffix for path in pixels.glob("[!.]*")] == [".building"]

    again = subprocess.run(build.args, env=os.environ | {"ATELIER_CACHE": str(tmp_path / "cache")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)  # fmt: skip
    (folder,) = pixels.glob("[!.]*")
    assert again.stdout.splitlines()[-1] == str(folder)
    assert np.load(folder / "pixels.npy", mmap_mode="r").shape == (600, 32, 32, 3)


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so_and_does_not_hang(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(BUILD.replace('if __name__ == "__main__":\n    ', ""))
    found = subprocess.run([sys.executable, script], env=os.environ | {"ATELIER_CACHE": str(tmp_path / "cache")},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert found.returncode == 1
    assert "put what the script does under `if __name__ == '__main__':`" in found.stderr
    assert list((tmp_path / "cache" / "pixels").glob("[!.]*")) == []


@pytest.mark.slow
def test_ctrl_c_stops_it_and_cleans_up(build, tmp_path):
    os.killpg(build.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    _, complaints = build.communicate(timeout=60)
    assert complaints.count("KeyboardInterrupt") == 1
    assert list((tmp_path / "cache" / "pixels").glob("[!.]*")) == []
