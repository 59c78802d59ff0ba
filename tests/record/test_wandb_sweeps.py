"""The sweeps that W&B's own agents carry out: what they would ask of train.py, it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from wandb.wandb_agent import Agent

from atelier.checkpoints import read as read_checkpoint
from atelier.config import check
from atelier.labels import presume
from atelier.record.table import read

ROOT = Path(__file__).parents[2]
SWEEPS = sorted((ROOT / "conf" / "sweep").glob("wandb_*.yaml"))

SMALL = [
    "data.image_size=16", "data.count=80", "data.batch_size=4", "model.generator.width=4",
    "model.discriminator.width=4", "trainer.max_steps=4", "trainer.val_check_interval=4",
    "trainer.log_every_n_steps=2", "callbacks.samples.count=4", "metrics.count=20", "metrics.splits=2",
    "trainer.accelerator=cpu",
]  # fmt: skip


def extremes(parameter):
    """The values of a sweep's parameter that a config is most likely to refuse."""
    if "values" in parameter:
        return parameter["values"]
    assert parameter["distribution"] == "log_uniform_values"
    assert 0 < parameter["min"] < parameter["max"]
    return [parameter["min"], parameter["max"]]


def loaded(path):
    return yaml.safe_load(path.read_text())


def fixed(sweep):
    """Overrides that every run of the sweep has."""
    return [word for word in sweep["command"] if "=" in word]


def test_there_is_a_sweep_of_each_method():
    assert sorted(loaded(path)["method"] for path in SWEEPS) == ["bayes", "grid", "random"]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_value_of_every_parameter_is_a_config(path, composed):
    sweep = loaded(path)
    for name, parameter in sweep["parameters"].items():
        for value in extremes(parameter):
            check(presume(composed(*fixed(sweep), f"{name}={value}")))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_sweep_says_what_wandb_asks_for(path):
    """Its JSON schema is in a package that wants an old numpy; these are its parts that concern us."""
    sweep = loaded(path)
    assert {*sweep} <= {"program", "project", "method", "metric", "parameters", "early_terminate", "command"}
    assert (ROOT / sweep["program"]).is_file()
    assert sweep["metric"]["goal"] == "minimize"
    assert {"${program}", "${args_no_hyphens}", "logger=wandb"} <= {*sweep["command"]}
    if "early_terminate" in sweep:
        assert sweep["early_terminate"]["type"] == "hyperband"
        assert sweep["early_terminate"]["min_iter"] >= 1


@pytest.mark.slow
@pytest.mark.usefixtures("nobody_logged_in")
@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_an_agents_command_trains_the_run_that_the_agent_knows(path, tmp_path, monkeypatch, received):
    sweep = loaded(path)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep123")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_RUN_ID", "")  # the agent sets both: to be undone after the test
    monkeypatch.setenv("WANDB_SWEEP_PARAM_PATH", "")
    chosen = {name: extremes(parameter)[-1] for name, parameter in sweep["parameters"].items()}
    small = [word for word in SMALL if word.partition("=")[0] not in chosen]
    agent = Agent(api=None, queue=None, sweep_id="sweep123")
    agent._sweep_command = [*sweep["command"], *small, f"run_dir={tmp_path / 'run'}"]

    arguments = {key: {"value": value} for key, value in chosen.items()}
    agent._command_run({"program": sweep["program"], "run_id": "given123", "args": arguments})
    assert agent._run_processes["given123"].wait(timeout=300) == 0

    (run,) = received(tmp_path / "run")
    assert run.identity == "given123"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "finished"
    assert sweep["metric"]["name"] in run.rows[-1]
    assert run.rows[-1][sweep["metric"]["name"]] == pytest.approx(
        read(tmp_path / "run" / "metrics.csv")[-1][sweep["metric"]["name"]]
    )
    for name, value in chosen.items():
        if name not in ("model", "loss"):
            assert _at(run.config, name) == value


def _at(config, key):
    for part in key.split("."):
        config = config[part]
    return config


@pytest.mark.slow
@pytest.mark.usefixtures("nobody_logged_in")
def test_the_jobs_of_a_multirun_are_a_group_and_stay_in_it_when_they_go_on(tmp_path, received):
    def train(*words):
        done = subprocess.run(
            [sys.executable, "train.py", *words], cwd=ROOT, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr

    wandb = ["logger=wandb", "logger.wandb.mode=offline", "logger.wandb.checkpoints=all"]
    train("-m", "seed=1,2", f"hydra.sweep.dir={tmp_path / 'pair'}", *SMALL, *wandb)
    runs = [path.parent for path in sorted((tmp_path / "pair").rglob("run.json"))]
    train(f"resume={runs[0]}", "trainer.max_steps=8")

    (first, further), (other,) = (received(run) for run in runs)

    assert [run.group for run in (first, further, other)] == ["pair"] * 3
    assert first.identity == further.identity != other.identity
    assert (first.steps[-1], further.steps) == (4, [6, 8])
    rows = {row["_step"]: row for run in (first, further) for row in run.rows}
    kept = {artifact.metadata["step"]: artifact for run in (first, further) for artifact in run.artifacts}
    assert [*kept] == [4, 8]
    for step, artifact in kept.items():
        assert artifact.metadata["score"] == pytest.approx(rows[step]["val/embedded_frechet_distance"])
        assert artifact.metadata["monitor"] == "embedded_frechet_distance"
        assert read_checkpoint(artifact.path)["global_step"] == step
    assert "best" in kept[4].aliases
    assert ("best" in kept[8].aliases) == (kept[8].metadata["score"] < kept[4].metadata["score"])
