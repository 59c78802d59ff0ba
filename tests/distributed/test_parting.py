"""What torch's threads still do when a run is over must not end its processes by a signal."""

import os
import subprocess
from pathlib import Path

import pytest
from torchruns import SMALL, Agents, agent_command, endpoint, train_command

from atelier import run_folder

SUPPORT = str(Path(__file__).parents[1] / "support")
WORDS = [
    *("run_dir=run", "trainer.max_steps=2", "trainer.val_check_interval=2"),
    "+callbacks.busy._target_=busy_to_the_last.BusyToTheLast",
]

pytestmark = pytest.mark.slow


def test_processes_of_torchrun_end_when_their_threads_have(tmp_path):
    with Agents(tmp_path, [agent_command(endpoint(), *WORDS, processes=2)], PYTHONPATH=SUPPORT) as agents:
        assert agents.wait() == [0], agents.said()
    assert run_folder.facts(tmp_path / "run")["status"] == "finished"


def test_processes_of_the_launcher_end_when_their_threads_have(tmp_path):
    command = [*train_command(*SMALL, *WORDS), "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": SUPPORT}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert run_folder.facts(tmp_path / "run")["status"] == "finished"
