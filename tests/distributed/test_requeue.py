"""Which jobs go back into SLURM's queue, with a stand-in for scontrol; test_slurm.py has the real one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.distributed import slurm
from atelier.errors import Interrupted

SPARED = """
import os, signal, subprocess, sys
from atelier.distributed import slurm
from atelier.errors import Interrupted

slurm.listen()
child = subprocess.Popen([sys.executable, "-c", "input(); print('spared')"], stdin=-1, stdout=-1, text=True)
try:
    os.kill(child.pid, signal.SIGUSR1)  # as SLURM does, to all of a job's processes
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.sigtimedwait([signal.SIGALRM], 60)
except Interrupted as stop:
    print(stop, *sorted(slurm.heard), child.communicate("\\n")[0].strip(), child.returncode)
"""


@pytest.fixture
def job(monkeypatch, tmp_path):
    """Job 7, and what is asked of scontrol."""
    asked = tmp_path / "asked"
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nexec /bin/sh -c "$SCONTROL"\n')
    scontrol.chmod(0o755)
    for name in ("STEP_ID", "ARRAY_JOB_ID", "ARRAY_TASK_ID", "RESTART_COUNT"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SCONTROL", "true")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(slurm, "heard", {signal.SIGUSR1})
    monkeypatch.setattr(slurm, "LAG", 0)
    monkeypatch.setattr(slurm, "listen", lambda: None)  # it would be for the rest of this process
    return lambda: asked.read_text().splitlines() if asked.exists() else []


def stopped(goes_on=True, run=Path("outputs/never-begun")):
    with pytest.raises(Interrupted), slurm.requeued(goes_on, run):
        raise Interrupted("stopped at step 3")


def test_a_job_whose_time_is_up_goes_back_once(job, capsys):
    stopped()
    slurm.requeue()
    assert job() == ["requeue 7"]
    assert capsys.readouterr().err == "job 7 goes back into the queue\n"


def test_one_of_an_array_goes_back_by_itself(job, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "5")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    stopped()
    assert job() == ["requeue 5_2"]


@pytest.mark.parametrize("heard", [set(), {signal.SIGTERM}, {signal.SIGUSR1, signal.SIGTERM}, {signal.SIGINT}])
def test_what_was_stopped_stays_away(job, monkeypatch, heard):
    monkeypatch.setattr(slurm, "heard", heard)
    stopped()
    assert job() == []


def test_a_run_that_would_begin_anew_stays_away(job):
    stopped(goes_on=False)
    assert job() == []


@pytest.mark.parametrize(
    ("restarts", "checkpoint", "goes_back"), [(2, False, True), (3, False, False), (3, True, True)]
)
def test_a_run_that_never_comes_to_a_checkpoint_stays_away_in_the_end(
    job, monkeypatch, tmp_path, capsys, restarts, checkpoint, goes_back
):
    monkeypatch.setenv("SLURM_RESTART_COUNT", str(restarts))
    if checkpoint:
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last.ckpt").touch()
    stopped(run=tmp_path)
    assert job() == (["requeue 7"] if goes_back else [])
    if not goes_back:
        assert "stays out of the queue: 4 turns were too short to come to a checkpoint" in capsys.readouterr().err


def test_one_process_of_many_asks(job, monkeypatch):
    for name, value in {"STEP_ID": 0, "PROCID": 1, "NTASKS": 2}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    stopped()
    assert job() == []


def test_outside_of_slurm_nothing_happens(job, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID")
    stopped()
    assert job() == []


def test_a_queue_that_refuses_is_heard(job, monkeypatch, capsys):
    monkeypatch.setenv("SCONTROL", "echo Requested operation is presently disabled >&2; exit 1")
    stopped()
    assert capsys.readouterr().err.splitlines() == [
        "job 7 goes back into the queue",
        "job 7 cannot go back into the queue: Requested operation is presently disabled",
    ]


@pytest.mark.slow
def test_other_processes_of_the_job_are_spared():
    environ = {**os.environ, "SLURM_JOB_ID": "7"}
    said = subprocess.run([sys.executable, "-c", SPARED], env=environ, capture_output=True, text=True, timeout=120)
    assert said.stdout.split("\n")[0] == f"stopped at once {signal.SIGUSR1:d} spared 0", said.stderr
