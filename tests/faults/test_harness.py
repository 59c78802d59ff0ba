"""That what these tests count on would notice."""

import shutil

import pytest
import torch
from blows import KILL
from same_run import nothing_left, same_run

from atelier import checkpoints
from atelier.files import lock_of
from faults import Fault, ends_well, suffer


def a_gap(run):
    record = run / "metrics.csv"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(lines[:2] + lines[3:]))


def a_double(run):
    record = run / "metrics.csv"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(lines[:3] + lines[2:]))


def another_bit(run):
    change(run, lambda content: next(filter(torch.is_floating_point, content["state_dict"].values())).mul_(1 + 2**-20))


def another_moment_of_adam(run):
    change(run, lambda content: content["optimizer_states"][1]["state"][0]["exp_avg"].add_(1e-9))


def another_best_score(run):
    change(run, lambda content: content["callbacks"]["Checkpoints"].update(best_step=3))


def change(run, doctor):
    content = checkpoints.read(run / "checkpoints" / "last.ckpt")
    doctor(content)
    torch.save(content, run / "checkpoints" / "last.ckpt")


def an_older_best(run):
    shutil.copy(run / "checkpoints" / "previous.ckpt", run / "checkpoints" / "best.ckpt")


def no_last_grid(run):
    (run / "samples" / "000008.png").unlink()


def still_running(run):
    record = run / "run.json"
    record.write_text(record.read_text().replace("finished", "running"))


@pytest.mark.parametrize(
    "doctor",
    [
        a_gap, a_double, another_bit, another_moment_of_adam, another_best_score, an_older_best, no_last_grid,
        still_running,
    ],
)  # fmt: skip
def test_a_run_that_was_doctored_is_not_the_same(doctor, undisturbed, tmp_path):
    doctored = tmp_path / "runs" / "run"
    shutil.copytree(undisturbed, doctored)
    same_run(undisturbed, doctored)
    doctor(doctored)
    with pytest.raises((AssertionError, KeyError)):
        same_run(undisturbed, doctored)


def test_what_was_left_is_seen(tmp_path):
    nothing_left(tmp_path)
    with lock_of(tmp_path / "held"), pytest.raises(TimeoutError):
        nothing_left(tmp_path)
    (tmp_path / ".last.ckpt.1.partial").touch()
    with pytest.raises(AssertionError):
        nothing_left(tmp_path)


def test_a_fault_that_never_happens_proves_nothing(cfg, folder):
    with pytest.raises(AssertionError, match="finished"):
        suffer(cfg, folder, Fault(KILL, "atelier.checkpoints:replacing", 99, "half"))


@pytest.mark.slow
def test_what_a_killed_process_was_writing_is_there_until_the_run_goes_on(cfg, folder):
    suffer(cfg, folder, Fault(KILL, "atelier.checkpoints:replacing", 2, "half"))
    (half,) = (folder / "checkpoints").glob(".*.partial")
    assert 0 < half.stat().st_size < (folder / "checkpoints" / "last.ckpt").stat().st_size
    ends_well(cfg, folder)
