"""Several processes and GPUs: by NCCL with what there is here, and two that share the one GPU by gloo."""

import os
import subprocess
import sys

import pytest
from accelerated import ACCELERATOR, DEVICE
from one_machine_slurm import free_ports
from process_recipes import RECIPES
from same_replicas import NOTE
from torchruns import Agents, agent_command, train_command

from atelier import checkpoints, run_folder

pytestmark = pytest.mark.gpu

STEPS = 4
GPU = [f"trainer.accelerator={ACCELERATOR}", "trainer.precision=16-mixed", f"trainer.max_steps={STEPS}"]
WATCHED = "+callbacks.replicas={_target_: same_replicas.SameReplicas}"
BY_GLOO = "+trainer.strategy.process_group_backend=gloo"
"""NCCL refuses two processes on one GPU."""


def known(run):
    """How many processes, by which backend, on what, and how often they were found equal."""
    return (run / NOTE).read_text().split()


@pytest.mark.parametrize("recipe", ["batch_norm", "critic_steps", "labelled"])
def test_one_gpu_trains_by_ddp(recipe, tmp_path):
    run = tmp_path / "run"
    words = ["trainer=ddp", "trainer.devices=1", *GPU, "trainer.val_check_interval=2", "metrics=none", WATCHED]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = train_command(*RECIPES[recipe], *words, f"run_dir={run}")
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    backend = "nccl" if DEVICE == "cuda" else "gloo"
    assert known(run) == ["1", backend, DEVICE, str(STEPS)]
    assert checkpoints.read(checkpoints.find(run))["global_step"] == STEPS


@pytest.mark.parametrize(
    "model", [["model=wgan_gp", "model.critic_steps=2"], ["model=dcgan"]], ids=["wgan_gp", "batch_norm"]
)
def test_two_processes_that_share_a_gpu_stay_equal(model, tmp_path):
    """In half precision: both leave out the same steps, and scale gradients alike."""
    endpoint = f"localhost:{free_ports(1)[0]}"
    words = [*GPU, *model, "trainer.val_check_interval=2", BY_GLOO, WATCHED, "run_dir=run"]
    path = os.pathsep.join(sys.path)
    with Agents(tmp_path, [agent_command(endpoint, *words, machines=2)] * 2, PYTHONPATH=path) as agents:
        assert agents.wait() == [0, 0], agents.said()
    run = tmp_path / "run"
    assert known(run) == ["2", "gloo", DEVICE, str(STEPS)]
    assert run_folder.facts(run)["processes"] == 2
    assert checkpoints.read(checkpoints.find(run))["global_step"] == STEPS
