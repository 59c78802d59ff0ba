"""What happens around a job, without training."""

import json
import math

import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from atelier.errors import Interrupted, RunError, UserError
from atelier.sweeps import trial
from atelier.sweeps.job import attempted, callbacks
from atelier.sweeps.ledger import Ledger
from atelier.sweeps.names import key

OVERRIDES = ["model=dcgan", "seed=1"]
CONFIG = OmegaConf.create(
    {"resume": None, "run_dir": "outputs/x", "data": {"size": 8}, "trainer": {"devices": 2, "max_steps": 9}}
)


class Trainer:
    """Stands in for a run: begins its folder, and then does as it is told."""

    def __init__(self, run, ends=0.5):
        self.run, self.ends, self.given = run, ends, []

    def __call__(self, cfg):
        self.given.append(cfg)
        self.run.mkdir(parents=True, exist_ok=True)
        (self.run / "run.json").write_text("{}")
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    folder = tmp_path / "sweep"
    run = folder / "model=dcgan" / "seed=1"
    hydra = {
        "mode": RunMode.MULTIRUN,
        "sweep": {"dir": str(folder)},
        "runtime": {"output_dir": str(run)},
        "overrides": {"task": OVERRIDES},
    }
    cfg = OmegaConf.create({"hydra": hydra})
    monkeypatch.setattr(HydraConfig.instance(), "cfg", cfg)
    return cfg


@pytest.fixture
def run(sweep, tmp_path):
    return tmp_path / "sweep" / "model=dcgan" / "seed=1"


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "sweep")


def test_a_single_run_has_no_ledger(sweep, run, ledger):
    sweep.hydra.mode = RunMode.RUN
    assert attempted(CONFIG, Trainer(run)) == 0.5
    assert not (ledger.folder / "jobs").exists()


def test_a_job_is_trained_once_and_its_score_returned_ever_after(run, ledger):
    score = 1 / 3
    trainer = Trainer(run, score)
    assert [attempted(CONFIG, trainer) for _ in range(3)] == [score] * 3
    assert len(trainer.given) == 1
    assert ledger.job(OVERRIDES).status == "done"


@pytest.mark.parametrize(
    ("error", "status", "code", "reason"),
    [
        (UserError("data.root: no"), "failed", 2, "UserError: data.root: no"),
        (RunError("step 3: nan"), "failed", 1, "RunError: step 3: nan"),
        (Interrupted("stopped at step 4"), "interrupted", 0, "stopped at step 4"),
        (KeyboardInterrupt(), "interrupted", 0, "interrupted"),
    ],
)
def test_what_ends_a_job_is_in_the_ledger_and_raised(error, status, code, reason, run, ledger):
    with pytest.raises(type(error)):
        attempted(CONFIG, Trainer(run, error))
    job = ledger.job(OVERRIDES)
    assert (job.status, job.code, job.reason, job.score) == (status, code, reason, math.inf)


def test_a_bug_is_in_the_ledger_with_its_traceback(run, ledger):
    with pytest.raises(ZeroDivisionError):
        attempted(CONFIG, Trainer(run, ZeroDivisionError("a bug")))
    assert ledger.job(OVERRIDES).reason.startswith("Traceback")
    assert ledger.job(OVERRIDES).reason.endswith("ZeroDivisionError: a bug")


def test_a_job_that_another_process_is_at_is_not_trained(run, ledger):
    ledger.begin(OVERRIDES, run)
    trainer = Trainer(run)
    with pytest.raises(RunError, match="another process is at it"):
        attempted(CONFIG, trainer)
    assert not trainer.given


def test_a_half_done_job_goes_on_with_its_own_recipe(run):
    with pytest.raises(Interrupted):
        attempted(CONFIG, Trainer(run, Interrupted("stopped at step 4")))
    data, trainer = "data: {size: 16, twice: '${data.size}'}", "trainer: {devices: 1, max_steps: 4}"
    (run / "recipe.yaml").write_text(f"{{resume: null, run_dir: elsewhere, {trainer}, {data}}}")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.ckpt").touch()
    trainer = Trainer(run)
    attempted(CONFIG, trainer)
    cfg = trainer.given[0]
    assert cfg.data.twice == 16
    assert (cfg.trainer.max_steps, cfg.trainer.devices) == (4, 2)  # on today's devices, all the same
    assert (cfg.resume, cfg.run_dir) == (str(run), str(run))
    assert OmegaConf.is_struct(cfg)
    assert CONFIG.resume is None


def test_a_job_without_a_checkpoint_begins_anew_with_todays_config(run):
    with pytest.raises(Interrupted):
        attempted(CONFIG, Trainer(run, Interrupted("stopped at once")))
    (run / "recipe.yaml").write_text("resume: null\nrun_dir: elsewhere\n")
    trainer = Trainer(run)
    attempted(CONFIG, trainer)
    assert trainer.given == [CONFIG]


def test_a_trial_is_told_that_it_is_one_and_a_pruned_one_is_over(run, ledger):
    pruner = {"_target_": "optuna.pruners.NopPruner"}
    ledger.add([OVERRIDES], trials={key(OVERRIDES): 7}, pruner=pruner)

    class Pruned(Trainer):
        def __call__(self, cfg):
            facts = trial.read(self.run)
            assert facts == {"number": 7, "study": str(ledger.folder), "pruner": pruner}
            trial.write(self.run, {**facts, "pruned_with": 4.0})
            return super().__call__(cfg)

    run.mkdir(parents=True)
    assert attempted(CONFIG, Pruned(run, 4.0)) == 4.0
    assert ledger.job(OVERRIDES).status == "pruned"
    assert ledger.job(OVERRIDES).score == 4.0
    never = Trainer(run)
    assert attempted(CONFIG, never) == 4.0
    assert not never.given


def test_a_trial_that_was_killed_when_it_had_been_pruned_is_not_trained_on(run, ledger):
    ledger.add([OVERRIDES], trials={key(OVERRIDES): 7}, pruner={"_target_": "x"})
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    (run / "trial.json").write_text(json.dumps({"number": 7, "pruned_with": 2.5}))
    never = Trainer(run)
    assert attempted(CONFIG, never) == 2.5
    assert not never.given
    assert ledger.job(OVERRIDES).status == "pruned"


def test_an_ordinary_run_has_no_callbacks_of_a_trial(run):
    assert callbacks(run) == []


def test_a_trial_whose_sweep_has_moved_knows_where_its_study_is(run, ledger):
    ledger.add([OVERRIDES], trials={key(OVERRIDES): 7}, pruner=None)
    run.mkdir(parents=True)
    trial.write(run, {"number": 7, "study": "/before", "pruner": None, "pruned_with": 2.5})
    trial.note(ledger, OVERRIDES, run)
    assert trial.read(run) == {"number": 7, "study": str(ledger.folder), "pruner": None, "pruned_with": 2.5}
    trial.write(run, {"number": 3, "study": str(ledger.folder), "pruner": None, "pruned_with": 2.5})
    trial.note(ledger, OVERRIDES, run)
    assert trial.pruned(run) is None, "that was another trial"


def test_a_single_run_has_nothing_to_try_again(sweep, run):
    sweep.hydra.mode = RunMode.RUN
    trainer = Trainer(run)
    with pytest.raises(UserError, match="retry: a single run has no jobs to try again; leave out retry=failed"):
        attempted(OmegaConf.merge(CONFIG, {"retry": "failed"}), trainer)
    assert not trainer.given
    attempted(OmegaConf.merge(CONFIG, {"retry": None}), trainer)
    assert trainer.given
