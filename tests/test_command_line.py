"""The programs as people start them: a process each, so they are few, and marked slow."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from atelier import checkpoints

ROOT = Path(__file__).parents[1]
ATELIER = Path(sys.executable).with_name("atelier")

SMALL = [
    "data.image_size=16", "data.count=40", "data.batch_size=4", "model.generator.width=4",
    "model.discriminator.width=4",
    "trainer.max_steps=8", "trainer.val_check_interval=4", "trainer.log_every_n_steps=2", "callbacks.samples.count=4",
    "metrics.count=20", "metrics.splits=2", "trainer.accelerator=cpu",
]  # fmt: skip

pytestmark = pytest.mark.slow


def start(*words, **options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    return subprocess.Popen(
        [*map(str, words)],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def train(*overrides):
    return finish(start(sys.executable, "train.py", *overrides))


def test_the_command_works_from_anywhere(run, tmp_path):
    code, _, err = finish(start(ATELIER, "sample", run, "--count", 1, "--out", tmp_path))
    assert code == 0, err
    assert (tmp_path / "00000.png").exists()
    code, _, err = finish(start(ATELIER, "sample", tmp_path))
    assert (code, "Traceback" in err) == (2, False)
    assert "is no run folder" in err


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("fonts")))  # matplotlib tells that it looks for some
        code, out, err = train(*SMALL, f"run_dir={folder}", "logger=[tensorboard,wandb]")
    assert code == 0, err
    assert str(folder.name) in out + err
    return folder


def test_a_run_folder_holds_all_that_a_later_tool_needs(run):
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["choices"]["model"] == "dcgan"
    assert record["steps"] == 8
    assert record["card"]["generated_images"] == 20
    assert sorted(path.name for path in (run / "samples").iterdir()) == ["000000.png", "000004.png", "000008.png"]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt", "previous.ckpt"]
    header, *rows = (run / "metrics.csv").read_text().splitlines()
    assert header.startswith("step,images_seen,")
    assert {"generator/adversarial", "val/embedded_frechet_distance"} <= {*header.split(",")}
    assert [row.split(",")[:2] for row in rows] == [["2", "8"], ["4", "16"], ["6", "24"], ["8", "32"]]
    assert "${" not in (run / "config.yaml").read_text()
    assert [*run.glob("tensorboard/events*")]
    assert [*run.rglob("*.wandb")]


def test_its_log_has_what_the_project_says_and_of_libraries_what_goes_wrong(run):
    lines = (run / "train.log").read_text().splitlines()
    told = [line for line in lines if "][INFO]" in line]
    assert told
    assert [line for line in told if "[atelier." not in line] == []


def test_a_moved_run_folder_still_works(run, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "checkpoints").mkdir()
    for name in ("config.yaml", "recipe.yaml", "run.json", "metrics.csv", "checkpoints/last.ckpt"):
        (moved / name).write_bytes((run / name).read_bytes())
    code, _, err = train(f"resume={moved}", "trainer.max_steps=12")
    assert code == 0, err
    assert checkpoints.read(moved / "checkpoints" / "last.ckpt")["global_step"] == 12
    assert json.loads((moved / "run.json").read_text())["resumed"] == [8]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_resumable_run_that_ends_as_if_uninterrupted(number, tmp_path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    process = start(sys.executable, "train.py", *SMALL, f"run_dir={broken}", "trainer.max_steps=1000000")
    assert any(line.startswith("step ") for line in process.stderr), "it never trained"
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == 130, err
    assert "Traceback" not in err
    assert json.loads((broken / "run.json").read_text())["status"] == "interrupted"
    step = checkpoints.read(broken / "checkpoints" / "last.ckpt")["global_step"]

    code, _, err = train(f"resume={broken}", f"trainer.max_steps={step + 5}")
    assert code == 0, err
    code, _, err = train(*SMALL, f"run_dir={straight}", f"trainer.max_steps={step + 5}")
    assert code == 0, err
    one, other = (checkpoints.read(folder / "checkpoints" / "last.ckpt") for folder in (straight, broken))
    assert all(torch.equal(weights, other["state_dict"][name]) for name, weights in one["state_dict"].items())
    assert (straight / "metrics.csv").read_bytes() == (broken / "metrics.csv").read_bytes()


def test_a_sweep_has_a_folder_for_each_job_and_goes_on_after_a_failure(tmp_path):
    code, _, err = train(
        "-m", "model=dcgan,wgan_gp", "seed=1,2", "model.discriminator.norm=batch", f"hydra.sweep.dir={tmp_path}", *SMALL
    )  # the penalty of wgan_gp refuses batch norm
    assert code == 2, err
    assert f"2 of 4 jobs done; their folders are in {tmp_path}" in err
    assert err.count("norm must not be 'batch'") + err.count("norm: must not be 'batch'") >= 2
    folders = sorted(path.parent for path in tmp_path.rglob("run.json"))
    assert [folder.name for folder in folders] == ["seed=1", "seed=2"]
    assert all(json.loads((folder / "run.json").read_text())["status"] == "finished" for folder in folders)


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["model=wgan_pp"], "wgan_gp"),
        (["data.image_sze=3"], "image_size"),
        (["model.critic_steps=none_at_all"], "model.critic_steps: expected int"),
        (["data=folder", "data.root=nowhere"], "data.root: no such folder"),
        (["resume=nowhere"], "no run folder"),
        (["run_dir=/dev/null/run"], "cannot use /dev/null/run"),
        (["trainer.accelerator=cuda"], "trainer"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(overrides, text):
    code, _, err = train(*overrides)
    assert code == 2, err
    assert text in err
    assert "Traceback" not in err


def test_a_diverging_run_says_where_and_keeps_what_was_good(tmp_path):
    code, _, err = train(
        *SMALL, f"run_dir={tmp_path / 'run'}", "model.generator_optimizer.lr=1.0e+30", "trainer.max_steps=40"
    )
    assert code == 1, err
    assert "Traceback" not in err
    assert "step" in err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


def test_an_existing_run_is_not_overwritten(run):
    before = (run / "recipe.yaml").read_bytes()
    code, _, err = train(*SMALL, f"run_dir={run}")
    assert code == 2, err
    assert f"resume={run} goes on with it" in err
    assert (run / "recipe.yaml").read_bytes() == before


def test_a_sweep_over_seeds_alone_stays_in_its_folder(tmp_path):
    code, _, err = train("-m", "seed=1,2", f"hydra.sweep.dir={tmp_path}", *SMALL)
    assert code == 0, err
    assert sorted(path.parent.name for path in tmp_path.rglob("run.json")) == ["seed=1", "seed=2"]
