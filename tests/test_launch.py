import errno
import sys
from io import BytesIO, TextIOWrapper
from logging.config import dictConfig
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import RunMode
from omegaconf import OmegaConf

from atelier.errors import ConfigError, Interrupted, RunError, UserError
from atelier.launch import guard, job, launch
from atelier.locks import occupied
from atelier.sweeps import Jobs, discard, folder_name


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UserError("data.root: no such folder: 'x'"), 2, "data.root: no such folder: 'x'"),
        (ConfigError(["a: wrong", "b: wrong too"]), 2, "2 faults in the config:\n  a: wrong\n  b: wrong too"),
        (RunError("step 7: the loss term x is nan"), 1, "step 7: the loss term x is nan"),
        (Interrupted("stopped at step 9"), 130, "stopped at step 9"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            PermissionError(errno.EACCES, "Permission denied", "outputs/x"),
            2,
            "cannot use outputs/x: Permission",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "outputs/x"),
            1,
            "cannot use outputs/x: No space",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_a_known_failure_is_told_without_a_traceback(error, code, text, capsys):
    assert guard(raising(error)) == code
    told = capsys.readouterr().err
    assert text in told
    assert "Traceback" not in told


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        guard(raising(ZeroDivisionError()))


def test_what_a_terminal_has_no_letters_for_is_shown_by_its_code(monkeypatch):
    """Nor has any terminal letters for a name of a file that is not in UTF-8."""
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(BytesIO(), "ascii"))
    assert guard(lambda: sys.stdout.write("lä\udcff")) == 0
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue() == rb"l\xe4\udcff"


def test_nothing_wrong_is_zero():
    assert guard(lambda: None) == 0


def finished(overrides, error=None):
    job = JobReturn(overrides=overrides, status=JobStatus.FAILED if error else JobStatus.COMPLETED)
    job.return_value = error
    return job


@pytest.mark.parametrize(
    ("errors", "code", "told"),
    [
        ([None, None], 0, "2 of 2 jobs done"),
        ([None, UserError("data.root: no")], 2, "1 of 2 jobs done"),
        ([UserError("data.root: no"), RunError("step 3: nan"), None], 1, "1 of 3 jobs done"),
        ([UserError("data.root: no"), ZeroDivisionError("a bug"), None], 1, "1 of 3 jobs done"),
    ],
)
def test_a_sweep_tells_each_failure_and_counts(errors, code, told, tmp_path, capsys):
    config = OmegaConf.create({"hydra": {"sweep": {"dir": "s"}, "runtime": {"output_dir": str(tmp_path)}}})

    def sweep():  # as Hydra does: all the jobs, then the first failure
        jobs = Jobs()
        jobs.on_multirun_start(config)
        for seed, error in enumerate(errors):
            jobs.on_job_end(config, finished([f"seed={seed}"], error))
        if failures := [error for error in errors if error]:
            raise failures[0]

    assert launch(sweep) == code
    err = capsys.readouterr().err
    assert f"{told}; their folders are in s" in err
    for seed, error in enumerate(errors):
        assert (f"job seed={seed}: " in err) == (error is not None)
        assert error is None or str(error) in err
    assert ("ZeroDivisionError: a bug" in err) == any(isinstance(error, ZeroDivisionError) for error in errors)


def test_a_sweeps_folder_has_a_name_that_file_systems_take():
    assert folder_name("model=dcgan,data.root=a_b") == "model=dcgan,data.root=a_b"
    assert folder_name("model=dcgan,data.root=../a/b").startswith("model=dcgan,data.root=.._a_b…")
    assert folder_name("") == "default"  # only seeds differ
    long = [folder_name(f"{'x' * 300}={end}") for end in "ab"]
    assert long[0] != long[1]
    assert all(len(name.encode()) < 255 for name in long)


def test_one_folder_for_a_whole_sweep_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "seed=1,2", "run_dir=here"])
    assert launch(lambda: None) == 2
    assert "hydra.sweep.dir" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("health=null", "health=null: an option is chosen by its name: health=none, or one of default, points"),
        (
            "logger=null",
            "logger=null: an option is chosen by its name, of tensorboard, wandb; or leave logger=null out",
        ),
    ],
)
def test_an_option_is_never_null(word, told, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["train.py", word])
    monkeypatch.setattr("atelier.launch.getfile", lambda _: str(Path(__file__).parents[1] / "train.py"))
    assert launch(lambda: pytest.fail("it was run")) == 2
    assert told in capsys.readouterr().err


def test_a_log_that_cannot_be_opened_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["train.py"])
    monkeypatch.setattr("atelier.launch.getfile", lambda _: str(Path(__file__).parents[1] / "train.py"))
    handler = {"class": "logging.FileHandler", "filename": str(tmp_path)}
    code = launch(lambda: dictConfig({"version": 1, "disable_existing_loggers": False, "handlers": {"file": handler}}))
    assert code == 2
    assert capsys.readouterr().err == f"cannot use {tmp_path}: Is a directory\n"


def test_a_run_that_never_began_leaves_no_folder(tmp_path):
    run = tmp_path / "outputs" / "model-data" / "now"
    (run / ".hydra").mkdir(parents=True)
    (run / ".hydra" / "config.yaml").touch()
    (run / "train.log").touch()
    discard(run)
    assert not run.parent.exists()
    assert run.parent.parent.exists()


@pytest.mark.parametrize(
    "error", [ConfigError(["a: wrong"]), UserError("data.root: empty"), PermissionError(13, "no", "x")]
)
@pytest.mark.parametrize("mode", RunMode)
def test_a_refused_start_leaves_no_folder(error, mode, tmp_path, monkeypatch):
    run = tmp_path / "model-data" / "now"
    run.mkdir(parents=True)
    (run / "train.log").touch()
    hydra = OmegaConf.create({"hydra": {"mode": mode, "sweep": {"dir": "s"}, "runtime": {"output_dir": str(run)}}})
    monkeypatch.setattr(HydraConfig.instance(), "cfg", hydra)

    def train():
        with job():
            raise error

    if mode is RunMode.RUN:
        assert guard(train) == 2
    else:
        jobs = Jobs()
        jobs.on_multirun_start(hydra)
        jobs.on_job_end(hydra, finished([], error))
        launch(lambda: None)  # forgets the sweep
    assert not run.parent.exists()


def test_a_run_that_began_is_never_discarded(tmp_path):
    for keep in ("run.json", "mine.txt", "mine.log"):
        run = tmp_path / keep / "run"
        run.mkdir(parents=True)
        (run / keep).touch()
        discard(run)
        assert (run / keep).exists()


def test_a_run_that_another_process_begins_is_never_discarded(tmp_path):
    run = tmp_path / "outputs" / "run"
    run.mkdir(parents=True)
    (run / "train.log").touch()
    with occupied(run, ""):
        discard(run)
    assert (run / "train.log").exists()
