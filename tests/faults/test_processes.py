"""Several processes of one run, of which one is hit, or the one that waits for them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from same_run import nothing_left, same_run

from atelier import checkpoints
from atelier.failures import DONE, FAILED, INTERRUPTED
from atelier.files import cache_root
from atelier.run_folder import facts
from faults import SMALL

ROOT = Path(__file__).parents[2]
TWO = [
    *("data.image_size=16", "data.count=40", "data.batch_size=4", "model.generator.width=4"),
    *("model.discriminator.width=4", "callbacks.samples.count=4", *SMALL, "trainer.log_every_n_steps=1"),
    "trainer.max_steps=20",  # so that one may be stopped again and again
    *("trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu", "+callbacks.fault._target_=strike.Strike"),
]


class Misfortune(NamedTuple):
    fault: str
    """Given to `strike`: what, the rank of a process, and the step since the run went on."""
    code: int
    status: str
    reason: str
    """In run.json; where the launcher lives, it is told, too."""
    step: int | None
    """Of the checkpoint that is there then, where it is not the one that the reason names."""


KILLED = -signal.SIGKILL
MISFORTUNES = [
    Misfortune("kill 1 2", FAILED, "failed", "process 1 was ended by SIGKILL", 0),
    Misfortune("kill 1 5", FAILED, "failed", "process 1 was ended by SIGKILL", 3),
    Misfortune("kill 0 2", FAILED, "failed", "process 0 was ended by SIGKILL", 3),
    Misfortune("nan 1 2", FAILED, "failed", "step 5: the loss term discriminator/adversarial is nan", 3),
    Misfortune("bug 1 2", FAILED, "failed", "process 1 failed, and said why above: ZeroDivisionError: a bug", 3),
    Misfortune("kill_launcher 1 1", KILLED, "interrupted", "stopped at step ", None),
    Misfortune("stop_launcher 0 1", INTERRUPTED, "interrupted", "stopped at step ", None),
    Misfortune("press_ctrl_c 1 1", INTERRUPTED, "interrupted", "stopped at step ", None),
]


@pytest.mark.slow
def test_a_run_of_two_processes_outlives_them_all(tmp_path):
    """One after the other: whoever starts two processes waits for ten seconds."""
    undisturbed, run = tmp_path / "undisturbed" / "runs" / "run", tmp_path / "hit" / "runs" / "run"
    code, told = train(undisturbed)
    assert code == DONE, told
    assert "struck" not in told
    for misfortune in MISFORTUNES:
        code, told = train(run, misfortune.fault)
        assert told.count("struck: ") == 1, told
        assert code == misfortune.code, told
        assert ("Traceback" in told) == misfortune.fault.startswith("bug"), told
        assert misfortune.reason in told or code == KILLED, told
        ended = facts(run)
        assert (ended["status"], misfortune.reason in ended["reason"]) == (misfortune.status, True), ended["reason"]
        assert saved(run) == (ended["steps"] if misfortune.step is None else misfortune.step), misfortune.fault
    code, told = train(run)
    assert code == DONE, told
    nothing_left(run, cache_root())
    same_run(undisturbed, run)


def saved(run):
    """The step of the last checkpoint."""
    last = run / "checkpoints" / "last.ckpt"
    return checkpoints.read(last)["global_step"] if last.exists() else 0


def train(run, fault=None):
    """Begin, or go on. The exit code, and what was said, once all processes have ended."""
    words = [f"resume={run}"] if saved(run) else [*TWO, f"run_dir={run}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "support"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "train.py", *words],
        cwd=ROOT,
        env=environment | ({"FAULT": fault} if fault else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    told, _ = process.communicate(timeout=120)  # all of them hold the other end
    return process.returncode, told
