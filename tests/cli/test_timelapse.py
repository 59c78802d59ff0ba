import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atelier.cli.pictures import animation
from atelier.cli.timelapse import CAPTION, HOLD, TIMES, timelapse
from atelier.errors import UserError
from atelier.record.grids import save_png
from atelier.run_folder import title

module = sys.modules[timelapse.__module__]


@pytest.fixture
def run(tmp_path):
    """Five grids that get brighter, the steps not in the order of their names' letters."""
    for index, step in enumerate((0, 999_999, 1_000_000, 1_500_000, 2_000_000)):
        save_png(np.full((40, 60, 3), 50 * index, np.uint8), tmp_path / "samples" / f"{step:06d}.png", {})
    (tmp_path / "samples" / "1-mine.png").touch()  # of no step: not looked at
    return tmp_path


def frames(path):
    with Image.open(path) as moving:
        for index in range(moving.n_frames):
            moving.seek(index)
            moving.load()
            yield moving.convert("RGB"), moving.info["duration"]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_grids_appear_in_the_order_of_their_steps_and_the_last_one_stays(run, suffix):
    timelapse(run, run / f"out{suffix}", seconds=1.0)

    shown = list(frames(run / f"out{suffix}"))

    brightness = [frame.getpixel((30, 20))[0] for frame, _ in shown]
    np.testing.assert_allclose(brightness, [0, 50, 100, 150, 200], atol=3)
    assert {frame.size for frame, _ in shown} == {(60, 40 + CAPTION)}


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
@pytest.mark.parametrize("seconds", [0.25, 3.0, 3.05])
def test_the_learning_takes_as_long_as_asked_for_and_the_last_grid_stays(run, suffix, seconds):
    timelapse(run, run / f"out{suffix}", seconds=seconds)
    *durations, last = [duration for _, duration in frames(run / f"out{suffix}")]
    assert sum(durations) == round(1000 * seconds)
    assert max(durations) - min(durations) <= 10
    assert last == 1000 * HOLD


def test_the_note_names_the_run_and_its_steps(run):
    timelapse(run, run / "out.gif")
    with Image.open(run / "out.gif") as moving:
        note = json.loads(moving.info["comment"])
    assert note == {"run": title(run), "steps": [0, 999_999, 1_000_000, 1_500_000, 2_000_000]}


def test_the_caption_names_the_step(run):
    timelapse(run, None, seconds=1.0)

    (first, _), *_, (last, _) = frames(run / "timelapse.webp")

    captions = [np.asarray(frame)[40:] for frame in (first, last)]
    assert (captions[0] != captions[1]).any()
    assert captions[0].max() > 240


def test_many_grids_are_thinned_evenly(tmp_path):
    for step in range(101):
        save_png(np.full((8, 8, 3), 2 * step, np.uint8), tmp_path / "samples" / f"{step:06d}.png", {})

    timelapse(tmp_path, tmp_path / "out.gif", seconds=0.25)

    brightness = [frame.getpixel((4, 4))[0] for frame, _ in frames(tmp_path / "out.gif")]
    np.testing.assert_allclose(brightness, [0, 50, 100, 150, 200], atol=3)


def test_one_grid_is_enough_and_other_sizes_are_fitted(tmp_path):
    save_png(np.zeros((8, 8, 3), np.uint8), tmp_path / "samples" / "000000.png", {})
    timelapse(tmp_path, None)
    save_png(np.zeros((16, 24, 3), np.uint8), tmp_path / "samples" / "000100.png", {})
    timelapse(tmp_path, None)

    assert [frame.size for frame, _ in frames(tmp_path / "timelapse.webp")] == [(24, 16 + CAPTION)] * 2


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
@pytest.mark.parametrize("seconds", TIMES)
def test_the_shortest_and_the_longest(seconds, suffix, tmp_path):
    for step in range(2):
        save_png(np.full((8, 8, 3), 50 * step, np.uint8), tmp_path / "samples" / f"{step:06d}.png", {})
    timelapse(tmp_path, tmp_path / f"out{suffix}", seconds=seconds)
    assert [duration for _, duration in frames(tmp_path / f"out{suffix}")] == [1000 * seconds, 1000 * HOLD]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
@pytest.mark.parametrize("theirs", ["a picture", "another command's", "no picture"])
def test_only_a_timelapse_is_written_over(theirs, suffix, run, monkeypatch):
    out = run / f"out{suffix}"
    timelapse(run, out, seconds=1.0)
    timelapse(run, out, seconds=2.0)
    assert sum(duration for _, duration in frames(out)) > 2000
    if theirs == "no picture":
        out.write_bytes(b"a diary")
    else:
        note = {} if theirs == "a picture" else {"atelier": "1", "images": "3,4", "frames": 2}
        animation.save([Image.new("RGB", (16, 16))], out, [50], note)
    before = out.read_bytes()
    monkeypatch.setattr(module, "_frame", lambda *_: pytest.fail("too early"))
    with pytest.raises(UserError, match=rf"^--out: .*/out{suffix} is another file, which would be lost: name another"):
        timelapse(run, out)
    assert out.read_bytes() == before
    with pytest.raises(UserError, match=rf"^--out: nothing can be written to '.*/out{suffix}/below'"):
        timelapse(run, out / "below" / f"out{suffix}")


def test_what_cannot_be_shown_is_said_in_one_line(run, tmp_path):
    with pytest.raises(UserError, match=r"^RUN: no such folder: .*elsewhere.$"):
        timelapse(tmp_path / "elsewhere", None)
    with pytest.raises(UserError, match=r"^RUN: no such folder: ./proc/elsewhere.$"):  # and not that nothing goes there
        timelapse(Path("/proc/elsewhere"), None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"^RUN: nothing to show: .*samples holds no pictures named by their step"):
        timelapse(tmp_path / "empty", None)
    with pytest.raises(UserError, match=r"--out: must be a file that ends in one of \.gif, \.webp, got '.*out.mp4'"):
        timelapse(run, run / "out.mp4")
    for seconds in (0, 0.09, 601, math.inf, math.nan):
        with pytest.raises(UserError, match=f"--seconds: must be from 0.1 to 600, got {seconds}"):
            timelapse(run, None, seconds=seconds)
    (run / "samples" / "000000.png").write_bytes(b"\x89PNG torn")
    with pytest.raises(UserError, match=r"000000.png: not a picture that can be read"):
        timelapse(run, None)
    assert not (run / "timelapse.webp").exists()
