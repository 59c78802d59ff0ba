"""Sweeps as people start them. They are broken off without a word, and must end as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from atelier.sweeps.ledger import Ledger

ROOT = Path(__file__).parents[2]

SMALL = [
    "data.image_size=16", "data.count=40", "data.batch_size=4", "model.generator.width=4",
    "model.discriminator.width=4", "trainer.max_steps=120", "trainer.val_check_interval=20",
    "trainer.log_every_n_steps=10", "callbacks.samples.count=4", "metrics.count=20", "metrics.splits=2",
    "trainer.accelerator=cpu",
]  # fmt: skip

SEARCH = [
    "hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.pruner.n_startup_trials=1",
    "model.generator_optimizer.lr=tag(log, interval(1e-5, 1e-2))",
]  # fmt: skip

pytestmark = pytest.mark.slow


def start(*words):
    return subprocess.Popen(
        [sys.executable, "train.py", *map(str, words)], cwd=ROOT, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True,
    )  # fmt: skip


def train(*words):
    process = start(*words)
    _, err = process.communicate(timeout=600)
    return process.returncode, err


def sweep(folder, *words):
    return train("-m", *words, f"hydra.sweep.dir={folder}", *SMALL)


def kill_in_the_second_job(folder, *words):
    """Without a word, at the second of its six validations."""
    process = start("-m", *words, f"hydra.sweep.dir={folder}", *SMALL)
    told = []
    for line in process.stderr:
        told.append(line)
        if sum(line.startswith("step 40 / 120") for line in told) == 2:
            break
    else:
        pytest.fail("".join(told))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def runs(folder):
    return {path.parent.relative_to(folder): path.parent for path in folder.rglob("run.json")}


def assert_same(one, other):
    """In what was trained, and in what came of it, to the last byte."""
    assert runs(one).keys() == runs(other).keys()
    for name, run in runs(one).items():
        assert (run / "metrics.csv").read_bytes() == (other / name / "metrics.csv").read_bytes()
    assert [(job.status, job.score) for job in Ledger(one).jobs()] == [
        (job.status, job.score) for job in Ledger(other).jobs()
    ]


def test_a_killed_sweep_goes_on_and_nothing_is_trained_twice(tmp_path):
    words = ["model=dcgan,lsgan", "seed=1,2"]
    code, err = sweep(tmp_path / "whole", *words)
    assert code == 0, err
    broken = tmp_path / "broken"
    kill_in_the_second_job(broken, *words)
    assert [job.status for job in Ledger(broken).jobs()] == ["done", "interrupted", "pending", "pending"]
    first = Ledger(broken).jobs()[0].folder
    before = (broken / first / "run.json").read_bytes()

    code, err = train(f"resume={broken}")
    assert code == 0, err
    assert "1 of 4 jobs were done before" in err
    assert "4 of 4 jobs done" in err
    assert_same(tmp_path / "whole", broken)
    assert (broken / first / "run.json").read_bytes() == before
    resumed = [json.loads((broken / job.folder / "run.json").read_text())["resumed"] for job in Ledger(broken).jobs()]
    assert resumed[0] == resumed[2] == resumed[3] == []
    assert resumed[1] in [[step] for step in range(20, 120, 20)]

    code, err = sweep(broken, *words)
    assert code == 0, err
    assert "4 of 4 jobs were done before" in err
    assert "step " not in err


def test_a_killed_search_makes_the_trials_that_it_would_have_made(tmp_path):
    pytest.importorskip("optuna")
    code, err = sweep(tmp_path / "whole", *SEARCH)
    assert code == 0, err
    assert "4 trials" in err
    kill_in_the_second_job(tmp_path / "broken", *SEARCH)
    code, err = train(f"resume={tmp_path / 'broken'}")
    assert code == 0, err
    assert_same(tmp_path / "whole", tmp_path / "broken")
    assert len(runs(tmp_path / "whole")) == 4
    for run in runs(tmp_path / "whole").values():
        steps = [line.partition(",")[0] for line in (run / "metrics.csv").read_text().splitlines()[1:]]
        assert steps == [str(step) for step in range(10, int(steps[-1]) + 1, 10)], "no validation comes twice"


def test_failed_jobs_wait_until_they_are_asked_for(tmp_path):
    words = ["model=dcgan,wgan_gp", "model.discriminator.norm=batch"]  # which the penalty of wgan_gp refuses
    code, err = sweep(tmp_path, *words)
    assert code == 2, err
    code, err = sweep(tmp_path, *words)
    assert code == 2, err
    assert "job model=wgan_gp: failed before, so it waits for retry=failed: model: discriminator.norm must not" in err
    assert [job.tries for job in Ledger(tmp_path).jobs()] == [1, 1]
    code, err = train(f"resume={tmp_path}", "retry=failed")
    assert code == 2, err
    assert [job.tries for job in Ledger(tmp_path).jobs()] == [1, 2]


@pytest.mark.parametrize(
    ("launcher", "package"),
    [
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], "hydra_plugins.hydra_joblib_launcher"),
        (["hydra/launcher=submitit_local"], "hydra_plugins.hydra_submitit_launcher"),
        (["hydra/launcher=ray", "+hydra.launcher.ray.init.num_cpus=2"], "hydra_plugins.hydra_ray_launcher"),
    ],
    ids=["joblib", "submitit", "ray"],
)
def test_jobs_in_processes_of_their_own_have_the_same_ledger_and_tell_their_failures(launcher, package, tmp_path):
    pytest.importorskip(package)
    words = [*launcher, "model=dcgan,wgan_gp", "model.discriminator.norm=batch"]
    code, err = sweep(tmp_path, *words)
    assert code == 2, err
    assert "1 of 2 jobs done" in err
    assert "discriminator.norm must not be 'batch'" in err
    assert "Traceback" not in err
    done, failed = Ledger(tmp_path).jobs()
    assert (done.status, failed.status, failed.code) == ("done", "failed", 2)
    assert len({done.owner["pid"], failed.owner["pid"], os.getpid()}) == 3
    code, err = sweep(tmp_path, *words)
    assert code == 2, err
    assert "1 of 2 jobs were done before" in err
    assert [job.tries for job in Ledger(tmp_path).jobs()] == [1, 1]


def sweep_whose_job_is_killed(folder, launcher):
    """What becomes of a sweep of one job, whose process was killed once it had a checkpoint."""
    process = start("-m", f"hydra/launcher={launcher}", "seed=1", f"hydra.sweep.dir={folder}", *SMALL)
    while not [*folder.rglob("last.ckpt")]:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            pytest.fail("it ended before it had a checkpoint")
    os.kill(Ledger(folder).jobs()[0].owner["pid"], signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    return process.returncode, err


def test_a_job_whose_process_is_killed_is_told_and_gone_on_with(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    code, err = sweep_whose_job_is_killed(tmp_path, "submitit_local")
    assert code == 1, err
    assert "a job's process was lost" in err
    assert "Traceback" not in err.partition("a job's process was lost")[2]
    assert Ledger(tmp_path).jobs()[0].status == "interrupted"
    code, err = train(f"resume={tmp_path}", "hydra/launcher=basic")
    assert code == 0, err
    assert Ledger(tmp_path).jobs()[0].status == "done"


def test_ray_tries_a_job_again_whose_process_is_killed_and_the_run_goes_on(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    code, err = sweep_whose_job_is_killed(tmp_path, "ray")
    assert code == 0, err
    assert "1 of 1 jobs done" in err
    (job,) = Ledger(tmp_path).jobs()
    assert (job.status, job.tries) == ("done", 2)
    assert json.loads((tmp_path / job.folder / "run.json").read_text())["resumed"]
