import errno
import json
import math
import os
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest

from atelier.errors import RunError, UserError
from atelier.sweeps import ledger as module
from atelier.sweeps.ledger import Ledger, Taken, arguments, is_sweep

FIRST, SECOND = ["model=dcgan", "seed=1"], ["model=dcgan", "seed=2"]


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "sweep")
    made.add([FIRST, SECOND], arguments=["model=dcgan", "seed=1,2"])
    return made


def run_folder(ledger, name="model=dcgan/seed=1"):
    run = ledger.folder / name
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    return run


def statuses(ledger):
    return [job.status for job in ledger.jobs()]


def test_a_plan_only_grows(ledger):
    ledger.add([SECOND, ["model=dcgan", "seed=3"]], sweeper="grid")
    assert [job.overrides[-1] for job in ledger.jobs()] == ["seed=1", "seed=2", "seed=3"]
    assert ledger.plan["arguments"] == ["model=dcgan", "seed=1,2"]
    assert ledger.plan["sweeper"] == "grid"
    assert statuses(ledger) == ["pending"] * 3


def test_how_a_job_ended_is_kept_exactly(ledger):
    score = 0.1 + 0.2
    ledger.begin(FIRST, run_folder(ledger)).end("done", score)
    ledger.begin(SECOND, ledger.folder / "b").end("failed", reason="step 3: nan", code=1)
    done, failed = Ledger(ledger.folder).jobs()
    assert (done.status, done.score, done.folder) == ("done", score, "model=dcgan/seed=1")
    assert (failed.status, failed.score, failed.reason, failed.code) == ("failed", math.inf, "step 3: nan", 1)


def test_json_has_no_infinity(ledger):
    this = ledger.begin(FIRST, run_folder(ledger))
    this.end("done", math.inf)
    assert "Infinity" not in this.path.read_text()
    assert ledger.job(FIRST).score == math.inf


def test_a_job_is_begun_by_one_process_alone(ledger):
    run = run_folder(ledger)
    this = ledger.begin(FIRST, run)
    assert ledger.job(FIRST).status == "running"
    with pytest.raises(RunError, match="another process is at it already: process"):
        ledger.begin(FIRST, run)
    this.end("interrupted", reason="stopped at step 9")
    ledger.begin(FIRST, run)
    assert ledger.job(FIRST).tries == 2


def test_of_two_that_begin_at_once_one_fails(ledger, monkeypatch):
    """Both saw a job that nobody is at."""
    seen = ledger.job(FIRST)
    monkeypatch.setattr(Ledger, "job", lambda self, overrides: seen)
    run = run_folder(ledger)
    ledger.begin(FIRST, run)
    with pytest.raises(RunError, match="another process"):
        ledger.begin(FIRST, run)


def test_a_dead_process_leaves_its_job_interrupted(ledger, monkeypatch):
    ledger.begin(FIRST, run_folder(ledger))
    monkeypatch.setattr(module, "lives", lambda owner, sign: False)
    assert statuses(ledger) == ["interrupted", "pending"]
    ledger.begin(FIRST, ledger.folder / "model=dcgan" / "seed=1").end("done", 3.0)
    assert statuses(ledger) == ["done", "pending"]


def test_a_job_whose_folder_was_deleted_is_done_again(ledger):
    run = run_folder(ledger)
    ledger.begin(FIRST, run).end("done", 1.0)
    assert ledger.job(FIRST).status == "done"
    shutil.rmtree(run)
    assert ledger.job(FIRST).status == "pending"


def test_a_sweep_can_be_moved(ledger, tmp_path):
    ledger.begin(FIRST, run_folder(ledger)).end("done", 1.0)
    moved = ledger.folder.rename(tmp_path / "elsewhere")
    job = Ledger(moved).job(FIRST)
    assert job.status == "done"
    assert (moved / job.folder / "run.json").exists()


@pytest.mark.parametrize("torn", ["", "null"])
def test_a_file_in_the_making_is_a_running_job(torn, ledger):
    this = ledger.begin(FIRST, run_folder(ledger))
    this.path.write_text(torn)
    assert statuses(ledger) == ["running", "pending"]


def test_jobs_of_another_sweeper_are_known_by_what_they_did(tmp_path):
    ledger = Ledger(tmp_path)
    run = tmp_path / "a"
    run.mkdir()
    (run / "run.json").write_text("{}")
    ledger.begin(["seed=4"], run).end("done", 2.0)
    assert [(job.overrides, job.score) for job in ledger.jobs()] == [(["seed=4"], 2.0)]


@pytest.mark.parametrize("damage", ["{", "[]", "3"])
def test_a_damaged_plan_is_named(damage, ledger):
    (ledger.folder / "sweep.json").write_text(damage)
    with pytest.raises(UserError, match=r"sweep\.json: cannot be read"):
        ledger.jobs()


def test_a_sweep_goes_on_by_its_folder(ledger):
    assert is_sweep(ledger.folder)
    assert not is_sweep(ledger.folder.parent)
    ledger.add([], arguments=["model=a,b", "hydra/launcher=joblib"])
    where = f"hydra.sweep.dir='{ledger.folder}'"
    assert arguments(ledger.folder, ["-m", f"resume={ledger.folder}", "retry=failed"]) == [
        "-m", "model=a,b", "hydra/launcher=joblib", "retry=failed", where,
    ]  # fmt: skip
    assert arguments(ledger.folder, ["hydra/launcher=basic"]) == ["-m", "model=a,b", "hydra/launcher=basic", where]
    with pytest.raises(UserError, match="jobs stay as they are; leave out trainer.max_steps=9"):
        arguments(ledger.folder, ["trainer.max_steps=9"])


def test_nothing_half_written_stays(ledger):
    ledger.begin(FIRST, run_folder(ledger)).end("done", 1.0)
    assert not [*ledger.folder.rglob("*.partial")]
    assert all(json.loads(path.read_text()) for path in ledger.folder.rglob("*.json") if path.name != "run.json")


def test_what_a_killed_process_left_half_written_is_swept_up_when_nobody_can_be_writing_it(ledger):
    ledger.begin(FIRST, run_folder(ledger)).end("done", 1.0)
    folders = ledger.folder, ledger.folder / "jobs"
    old, new = ([folder / f".{name}.partial" for folder in folders] for name in ("old", "new"))
    for half in (*old, *new):
        half.touch()
    for half in old:
        os.utime(half, (0, 0))
    ledger.add([SECOND])
    assert sorted(ledger.folder.rglob("*.partial")) == sorted(new)


def test_a_full_disk_leaves_no_half_of_a_try(ledger, monkeypatch):
    """Whichever way a new file is made: an empty one would be a running job for ten minutes."""
    full = OSError(errno.ENOSPC, "no space left on device")
    for broken in ("write_text", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, broken, Mock(side_effect=full))
            with pytest.raises(OSError, match="no space"):
                ledger.begin(FIRST, ledger.folder / "run")
        assert ledger.job(FIRST).tries == 0
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "link", Mock(side_effect=full))
        with pytest.raises(OSError, match="no space"):
            ledger.begin(FIRST, ledger.folder / "run")
    assert not [*(ledger.folder / "jobs").iterdir()]


def test_a_try_has_its_name_only_when_it_is_whole(ledger, monkeypatch):
    link, seen = module.os.link, []

    def linked(whole, path):
        seen.append((json.loads(whole.read_text())["overrides"], path.exists()))
        link(whole, path)

    monkeypatch.setattr(module.os, "link", linked)
    this = ledger.begin(FIRST, run_folder(ledger))
    assert seen == [(FIRST, False)]
    assert [*this.path.parent.iterdir()] == [this.path]


def test_without_hard_links_one_process_alone_begins_a_job(ledger, monkeypatch):
    monkeypatch.setattr(module.os, "link", Mock(side_effect=OSError(errno.EPERM, "no links here")))
    seen = ledger.job(FIRST)
    this = ledger.begin(FIRST, run_folder(ledger))
    assert json.loads(this.path.read_text())["status"] == "running"
    monkeypatch.setattr(Ledger, "job", lambda self, overrides: seen)
    with pytest.raises(Taken):
        ledger.begin(FIRST, ledger.folder / "run")
    assert [*this.path.parent.iterdir()] == [this.path]


def test_another_launcher_does_without_the_options_of_the_first(ledger):
    options = ["hydra.launcher.n_jobs=2", "+hydra.launcher.x=1", "hydra.sweeper.n_trials=9"]
    ledger.add([], arguments=["seed=1,2", "hydra/launcher=joblib", *options])

    def stays(*given):
        return arguments(ledger.folder, given)[1:-1]

    assert stays("hydra/launcher=basic") == ["seed=1,2", "hydra.sweeper.n_trials=9", "hydra/launcher=basic"]
    assert stays("hydra/launcher=joblib") == ["seed=1,2", *options, "hydra/launcher=joblib"]
    assert stays("hydra.launcher.x=3") == [
        "seed=1,2", "hydra/launcher=joblib", options[0], options[2], "hydra.launcher.x=3"
    ]  # fmt: skip
    assert options[2] not in stays("hydra/sweeper=grid")
