"""`trainer=ddp trainer.devices=2`, as one types it."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from process_recipes import RECIPES
from pytorch_lightning import Callback
from same_run import equal
from waiting import until

from atelier import checkpoints
from atelier.record import table
from atelier.run import fit

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHORT = [
    *("trainer.max_steps=4", "trainer.val_check_interval=2", "trainer.log_every_n_steps=1", "trainer.accelerator=cpu"),
    *("metrics.count=20", "metrics.splits=2", *RECIPES["batch_norm"]),
]
TWO = ["trainer=ddp", "trainer.devices=2"]


def train(*words, code=0):
    command = [sys.executable, str(ROOT / "train.py"), *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def facts(run):
    return json.loads((run / "run.json").read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """By two processes, and what was printed."""
    run = tmp_path_factory.mktemp("two") / "run"
    return run, train(*SHORT, *TWO, f"run_dir={run}")


def test_it_is_one_run_with_one_record_told_once(trained):
    run, told = trained
    assert facts(run)["status"] == "finished"
    assert facts(run)["processes"] == 2
    assert [row["step"] for row in table.read(run / "metrics.csv")] == [1, 2, 3, 4]
    assert [row["images_seen"] for row in table.read(run / "metrics.csv")] == [4, 8, 12, 16]
    assert {path.name for path in (run / "samples").iterdir()} == {f"{step:06d}.png" for step in (0, 2, 4)}
    assert told.count("finished ") == 1
    assert told.count("pictures for training") <= 2  # once by the launcher, once by the first process
    assert "Warning" not in told


def test_its_scores_are_those_of_one_process(trained):
    run, _ = trained
    last = run / "checkpoints" / "last.ckpt"
    command = [Path(sys.executable).with_name("atelier"), "evaluate", run, "--json", "--checkpoint", last]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    alone = json.loads(done.stdout)["scores"]
    last = table.read(run / "metrics.csv")[-1]
    shared = {name.removeprefix("val/"): value for name, value in last.items() if "embedded" in name}
    assert alone.keys() == shared.keys()
    for name, value in shared.items():
        assert alone[name] == pytest.approx(value, rel=1e-5), name


def test_it_goes_on_with_one_process_and_says_what_is_not_exact(trained):
    run, _ = trained
    told = train(f"resume={run}", "trainer.max_steps=6", "trainer.devices=1")
    assert "resume: 1 processes go on where 2 had been" in told
    content = checkpoints.read(run / "checkpoints" / "last.ckpt")
    assert content["global_step"] == 6
    assert facts(run)["status"] == "finished"
    told = train(f"resume={run}", "trainer.max_steps=8", "trainer.devices=2")
    assert "resume: 2 processes go on where 1 had been" in told


class Beginning(Callback):
    """What a run that goes on has learnt before its first step."""

    def on_train_start(self, trainer, task):
        self.weights = {name: values.clone() for name, values in task.state_dict().items()}
        self.optimizers = copy.deepcopy([optimizer.state_dict() for optimizer in trainer.optimizers])


def test_all_that_was_learnt_goes_on_with_another_number_of_processes(trained, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained[0], run)
    content = checkpoints.read(run / "checkpoints" / "last.ckpt")
    cfg = OmegaConf.load(run / "recipe.yaml")
    cfg.resume, cfg.run_dir = str(run), str(run)
    cfg.trainer.devices, cfg.trainer.strategy = 1, "auto"  # as trainer=default says: no group of processes in this one
    cfg.trainer.max_steps = content["global_step"] + 1
    beginning = Beginning()
    fit(cfg, run, {}, [beginning])
    equal(beginning.weights, content["state_dict"], "weights and averages")
    assert any(name.startswith("average.") for name in beginning.weights)
    for one, other in zip(beginning.optimizers, content["optimizer_states"], strict=True):
        equal(one["state"], other["state"], "moments")


def test_a_run_of_one_device_goes_on_with_two_and_back(tmp_path):
    run = tmp_path / "run"
    train(*SHORT, f"run_dir={run}")
    told = train(f"resume={run}", "trainer.max_steps=6", *TWO)
    assert "resume: 2 processes go on where 1 had been" in told
    told = train(f"resume={run}", "trainer.max_steps=8", "trainer=default")
    assert "resume: 1 processes go on where 2 had been" in told
    assert [row["step"] for row in table.read(run / "metrics.csv")] == [*range(1, 9)]


def test_a_sweep_has_a_folder_for_each_of_its_runs_and_no_more(tmp_path):
    told = train("-m", "seed=1,2", *SHORT, *TWO, f"hydra.sweep.dir={tmp_path}")
    runs = sorted(path.parent for path in tmp_path.rglob("run.json"))
    assert [facts(run)["seed"] for run in runs] == [1, 2]
    assert all(facts(run)["status"] == "finished" for run in runs)
    assert not [*tmp_path.rglob(".pl_hydra*")]
    assert "2 of 2 jobs done" in told


def test_a_mistake_is_told_once(tmp_path):
    told = train(*SHORT, *TWO, "data.batch_size=3", f"run_dir={tmp_path / 'run'}", code=2)
    assert told.count("cannot be shared evenly") == 1
    assert not (tmp_path / "run").exists()


def test_one_that_is_stopped_while_its_processes_begin_says_so(tmp_path):
    command = [sys.executable, str(ROOT / "train.py"), *SHORT, *TWO, f"run_dir={tmp_path / 'run'}"]
    launcher = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    until(lambda: launcher.poll() is not None or len(children.read_text().split()) == 3)  # and what tracks resources
    launcher.send_signal(signal.SIGTERM)
    _, told = launcher.communicate(timeout=60)
    assert launcher.returncode == 130, told
    assert facts(tmp_path / "run")["status"] == "interrupted"
    assert "Traceback" not in told
