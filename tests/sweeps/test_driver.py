"""What a sweep leaves to its launcher, and what it says."""

import os
import pickle

import pytest
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import RunMode
from omegaconf import OmegaConf

from atelier.errors import ConfigError, RunError, UserError
from atelier.failures import exit_code
from atelier.launch import launch
from atelier.sweeps.callback import Jobs, outcome
from atelier.sweeps.driver import Driver
from atelier.sweeps.ledger import Ledger, Taken
from atelier.sweeps.reasons import gist

JOBS = [["loss=a", "seed=1"], ["loss=a", "seed=2"], ["loss=b", "seed=1"], ["loss=b", "seed=2"]]


class Launcher:
    """Runs jobs elsewhere, as far as Hydra's callback knows; they score 1.0, or fail as told."""

    def __init__(self, errors=()):
        self.errors, self.launched, self.numbers = dict(errors), [], []

    def launch(self, job_overrides, initial_job_idx):
        self.launched += [list(job) for job in job_overrides]
        self.numbers.append(initial_job_idx)
        return [self._result(index, job) for index, job in enumerate(job_overrides)]

    def _result(self, index, job):
        error = self.errors.get(index)
        result = JobReturn(overrides=job, status=JobStatus.FAILED if error else JobStatus.COMPLETED)
        result.return_value = error or 1.0
        return result


def config(folder, retry=None, **hydra):
    overrides = {"task": ["loss=a,b", "seed=1,2"], "hydra": ["hydra.mode=MULTIRUN", "hydra/launcher=joblib"]}
    return OmegaConf.create(
        {"retry": retry, "hydra": {"sweep": {"dir": str(folder)}, "overrides": overrides, "mode": RunMode.MULTIRUN}}
    )


@pytest.fixture
def sweep():
    """Hydra's callback, as a sweep has it."""
    jobs = Jobs()
    jobs.on_multirun_start(OmegaConf.create({"hydra": {"sweep": {"dir": "s"}}}))
    yield jobs
    Jobs.sweep = None


def driver(folder, launcher, **options):
    made = Driver(launcher, config(folder, **options))
    made.plan(JOBS)
    return made


def ended(folder, index, status, **facts):
    run = folder / f"run{index}"
    run.mkdir(parents=True, exist_ok=True)
    (run / "run.json").write_text("{}")
    this = Ledger(folder).begin(JOBS[index], run)
    if status != "running":
        this.end(status, **facts)


def test_a_job_whose_process_is_not_named_is_left_to_it(tmp_path, sweep, capsys):
    ended(tmp_path, 0, "running")
    next((tmp_path / "jobs").iterdir()).write_text("")
    launcher = Launcher()
    driver(tmp_path, launcher).run(JOBS)
    assert launcher.launched == JOBS[1:]
    assert "job loss=a seed=1: an unknown process is at it\n" in capsys.readouterr().err


def test_only_what_is_left_is_launched_and_the_rest_counts_as_what_it_came_to(tmp_path, sweep, capsys):
    ended(tmp_path, 0, "done", score=1.0)
    ended(tmp_path, 1, "failed", reason="2 faults in the config:\n  a: wrong\n  b: too", code=2)
    ended(tmp_path, 2, "interrupted")
    launcher = Launcher()
    driver(tmp_path, launcher).run(JOBS)
    assert launcher.launched == JOBS[2:]
    assert sorted(sweep.outcomes) == [0, 0, 0, 2]
    told = capsys.readouterr().err
    assert "job loss=a seed=2: failed before, so it waits for retry=failed: a: wrong" in told
    assert "1 of 4 jobs were done before" in told
    assert outcome(0) == 2


def test_failed_jobs_are_tried_again_on_request(tmp_path, sweep):
    ended(tmp_path, 0, "done", score=1.0)
    ended(tmp_path, 1, "failed", reason="disk full", code=1)
    launcher = Launcher()
    driver(tmp_path, launcher, retry="failed").run(JOBS)
    assert launcher.launched == JOBS[1:]
    assert sweep.outcomes == [0] * 4


def test_a_running_job_is_left_alone_and_the_sweep_is_not_whole(tmp_path, sweep, capsys):
    ended(tmp_path, 3, "running")
    launcher = Launcher()
    driver(tmp_path, launcher).run(JOBS)
    assert launcher.launched == JOBS[:3]
    assert "job loss=b seed=2: process" in capsys.readouterr().err
    assert outcome(0) == 1


def test_a_finished_sweep_launches_nothing(tmp_path, sweep):
    for index in range(4):
        ended(tmp_path, index, "pruned" if index == 2 else "done")
    launcher = Launcher()
    assert driver(tmp_path, launcher).run(JOBS) == []
    assert launcher.launched == []
    assert outcome(0) == 0


def test_jobs_of_later_batches_have_later_numbers(tmp_path, sweep):
    launcher = Launcher()
    made = driver(tmp_path, launcher)
    made.run(JOBS[:1])
    made.run(JOBS[1:])
    assert launcher.numbers == [0, 1]


def test_failures_in_other_processes_are_told_here(tmp_path, sweep, capsys):
    errors = {1: UserError("data.root: no"), 2: RunError("Traceback …\nZeroDivisionError: a bug")}
    driver(tmp_path, Launcher(errors)).run(JOBS)
    told = capsys.readouterr().err
    assert "job loss=a seed=2: UserError: data.root: no" in told
    assert "ZeroDivisionError: a bug" in told
    assert sweep.outcomes == [0, 2, 1, 0]


def test_a_process_that_was_lost_is_one_line(tmp_path, sweep):
    class Lost(Launcher):
        def launch(self, job_overrides, initial_job_idx):
            raise type("TerminatedWorkerError", (Exception,), {"__module__": "joblib.externals"})("killed\nmore")

    class Buggy(Launcher):
        def launch(self, job_overrides, initial_job_idx):
            raise ZeroDivisionError

    with pytest.raises(RunError, match=r"a job's process was lost: .*; .* the same command goes on"):
        driver(tmp_path, Lost()).run(JOBS)
    with pytest.raises(ZeroDivisionError):
        driver(tmp_path, Buggy()).run(JOBS)


def test_what_is_to_be_tried_again_has_a_name(tmp_path):
    with pytest.raises(UserError, match=r"retry: must be null or failed, got 'everything'"):
        driver(tmp_path, Launcher(), retry="everything")


def test_the_plan_has_the_command_line_without_where_it_was(tmp_path):
    driver(tmp_path, Launcher())
    assert Ledger(tmp_path).plan["arguments"] == ["loss=a,b", "seed=1,2", "hydra/launcher=joblib"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConfigError(["a: wrong", "b: wrong"]), "UserError: 2 faults in the config:\n  a: wrong\n  b: wrong"),
        (UserError("data.root: no"), "UserError: data.root: no"),
        (RunError("step 3: nan"), "RunError: step 3: nan"),
        (PermissionError(13, "no", "/x"), "PermissionError: [Errno 13] no: '/x'"),
        (ZeroDivisionError("a bug"), "RunError: ZeroDivisionError: a bug"),
    ],
)
def test_a_failure_travels_from_the_process_of_its_job(error, told, tmp_path, capsys):
    jobs = Jobs()
    jobs.process += 1  # as it is where it was sent to
    result = JobReturn(overrides=["seed=1"], status=JobStatus.FAILED)
    result.return_value = error
    hydra = {"mode": RunMode.MULTIRUN, "runtime": {"output_dir": str(tmp_path / "run")}}
    jobs.on_job_end(OmegaConf.create({"hydra": hydra}), result)
    assert "job seed=1: " in capsys.readouterr().err
    there = pickle.loads(pickle.dumps(result))._return_value
    assert exit_code(there) == exit_code(error)
    assert f"{type(there).__name__}: {str(there).rpartition(os.linesep)[2] if 'bug' in told else there}" == told


def test_what_was_not_told_is_not_swallowed(sweep, tmp_path, capsys, monkeypatch):
    """A job has failed, and then the sweep itself does."""
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "seed=1,2"])
    mistake, lost = UserError("data.root: no"), RunError("a job's process was lost")
    hydra = OmegaConf.create({"hydra": {"mode": RunMode.MULTIRUN, "runtime": {"output_dir": str(tmp_path / "run")}}})
    failed = JobReturn(overrides=["seed=1"], status=JobStatus.FAILED)
    failed.return_value = mistake

    def fails():
        sweep.on_job_end(hydra, failed)
        raise lost

    assert launch(fails) == 1
    assert capsys.readouterr().err.count("a job's process was lost") == 1


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(
    ("error", "kept"), [(Taken("another process is at it already"), True), (RunError("no"), False)]
)
def test_the_folder_of_another_process_is_left_to_it(error, kept, elsewhere, sweep, tmp_path):
    log = tmp_path / "run" / "train.log"
    log.parent.mkdir()
    log.touch()
    sweep.process += elsewhere
    result = JobReturn(overrides=["seed=1"], status=JobStatus.FAILED)
    result.return_value = error
    hydra = {"mode": RunMode.MULTIRUN, "runtime": {"output_dir": str(log.parent)}}
    sweep.on_job_end(OmegaConf.create({"hydra": hydra}), result)
    assert log.exists() == kept


def test_a_job_that_is_named_twice_is_run_once(tmp_path, sweep):
    launcher = Launcher()
    twice = [JOBS[0], [*reversed(JOBS[0])], JOBS[1]]
    found = driver(tmp_path, launcher).run(twice)
    assert launcher.launched == JOBS[:2]
    assert len(found) == len(sweep.outcomes) == 2


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        (None, "it does not say why"),
        (" \n", "it does not say why"),
        ("RunError: step 3: nan", "RunError: step 3: nan"),
        ("Traceback (most …):\n  File x\nZeroDivisionError: a bug\n", "ZeroDivisionError: a bug"),
        ("2 faults in the config:\n  a: wrong\n  b: too", "a: wrong; b: too"),
        ("Job 1\nhas no output\nTraceback", "Job 1; has no output …"),
        ("alone:", "alone:"),
    ],
)
def test_a_reason_is_one_line(reason, line):
    assert gist(reason) == line
