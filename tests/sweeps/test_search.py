"""Whole searches, with a launcher whose jobs are a formula."""

import math

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from atelier.errors import ConfigError, UserError
from atelier.sweeps.driver import Driver
from atelier.sweeps.ledger import Ledger
from atelier.sweeps.names import key
from atelier.sweeps.search import Extent, search

optuna = pytest.importorskip("optuna")

from atelier.sweeps.study import NAME, storage  # noqa: E402  # it imports Optuna, which is an extra

SAMPLER = {"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 3}
PRUNER = {"_target_": "optuna.pruners.MedianPruner"}


class Formula:
    """Runs jobs as processes would, and leaves their outcome in the ledger; `kill_after` so many, all ends."""

    def __init__(self, folder, status=lambda x: "done", kill_after=None, score=None, record="{}"):
        self.ledger, self.status, self.kill_after = Ledger(folder), status, kill_after
        self.score, self.record, self.batches = score, record, []

    def launch(self, job_overrides, initial_job_idx):
        self.batches.append(len(job_overrides))
        for job in job_overrides:
            if self.kill_after == 0:
                raise KeyboardInterrupt
            self.kill_after = None if self.kill_after is None else self.kill_after - 1
            self._run(job)
        return []

    def _run(self, job):
        assert key(job) in self.ledger.plan["trials"]
        x = float(job[0].partition("=")[2])
        run = self.ledger.folder / job[0]
        run.mkdir(parents=True, exist_ok=True)
        (run / "run.json").write_text(self.record)
        status = self.status(x)
        score = (x - 1) ** 2 if self.score is None else self.score
        self.ledger.begin(job, run).end(status, score if status != "failed" else math.inf, code=1)


def carry_out(
    folder, launcher=None, trials=8, at_once=1, retry=None, words=("x=interval(-4,4)", "fixed=1"),
    validate=lambda jobs: None, **changes,
):  # fmt: skip
    launcher = launcher or Formula(folder)
    overrides = {"task": [*words], "hydra": []}
    driver = Driver(
        launcher, OmegaConf.create({"retry": retry, "hydra": {"sweep": {"dir": str(folder)}, "overrides": overrides}})
    )
    extent = Extent(
        **{"trials": trials, "at_once": at_once, "seed": 0, "sampler": SAMPLER, "pruner": PRUNER, **changes}
    )
    search(driver, OverridesParser.create().parse_overrides([*words]), extent, validate)
    return launcher


def jobs(folder):
    return [(job.overrides, job.status, job.score) for job in Ledger(folder).jobs()]


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_search_ends_when_it_has_its_trials(at_once, tmp_path, capsys):
    launcher = carry_out(tmp_path, trials=8, at_once=at_once)
    assert launcher.batches == [1] * 8 if at_once == 1 else [3, 3, 2]
    assert len(jobs(tmp_path)) == 8
    best = min(score for *_, score in jobs(tmp_path))
    told = capsys.readouterr().err
    assert f"8 jobs in {tmp_path}; python train.py resume={tmp_path} goes on with them" in told
    assert f", {best:.4g}: x=" in told
    assert carry_out(tmp_path, trials=8).batches == []
    assert carry_out(tmp_path, trials=10).batches == [1, 1]


@pytest.mark.parametrize("kill_after", [0, 1, 4])
@pytest.mark.parametrize("at_once", [1, 3])
def test_a_search_that_is_stopped_anywhere_comes_to_the_same_jobs(kill_after, at_once, tmp_path):
    carry_out(tmp_path / "whole", at_once=at_once)
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        carry_out(broken, Formula(broken, kill_after=kill_after), at_once=at_once)
    done = kill_after
    launcher = carry_out(broken, at_once=at_once)
    assert sum(launcher.batches) == 8 - done, "nothing is run twice"
    assert jobs(broken) == jobs(tmp_path / "whole")


def test_the_plan_knows_the_trials_of_both_processes_at_one_search(tmp_path):
    class Beside(Formula):
        """While its first job runs, another process makes two trials more."""

        def _run(self, job):
            super()._run(job)
            if not self.batches[1:]:
                carry_out(tmp_path, trials=3)

    carry_out(tmp_path, Beside(tmp_path), trials=5)
    assert len(jobs(tmp_path)) == 5
    assert {key(overrides) for overrides, *_ in jobs(tmp_path)} == {*Ledger(tmp_path).plan["trials"]}


def test_failed_and_pruned_trials_count_and_failed_ones_are_retried_on_request(tmp_path):
    def status(x):
        return "failed" if x < -1 else "pruned" if x < 1 else "done"

    carry_out(tmp_path, Formula(tmp_path, status))
    first = jobs(tmp_path)
    assert len(first) == 8
    assert {state for _, state, _ in first} == {"failed", "pruned", "done"}
    failed = sum(state == "failed" for _, state, _ in first)
    assert carry_out(tmp_path).batches == []
    assert carry_out(tmp_path, retry="failed").batches == [1] * failed
    assert [overrides for overrides, *_ in jobs(tmp_path)] == [overrides for overrides, *_ in first]
    assert not [state for _, state, _ in jobs(tmp_path) if state == "failed"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"words": ("x=1",)}, "nothing to search"),
        ({"trials": 0}, "hydra.sweeper.n_trials: must be at least 1, got 0"),
        ({"trials": "abc"}, "hydra.sweeper.n_trials: must be a whole number, got 'abc'"),
        ({"at_once": True}, "hydra.sweeper.n_jobs: must be a whole number, got True"),
        ({"seed": None}, "hydra.sweeper.seed: must be a whole number, got None"),
        ({"at_once": 0}, "hydra.sweeper.n_jobs: must be at least 1, got 0"),
        ({"sampler": {"_target_": "optuna.samplers.Nope"}}, "hydra.sweeper.sampler._target_: optuna.samplers has no"),
        (
            {"sampler": {"_target_": "optuna.samplers.PartialFixedSampler"}},
            "sampler.seed: PartialFixedSampler takes no",
        ),
        ({"pruner": {**PRUNER, "n_startup_trials": -1}}, "hydra.sweeper.pruner: .*=-1"),
    ],
)
def test_a_mistake_is_named_before_anything_is_written(changes, text, tmp_path):
    with pytest.raises((UserError, ConfigError), match=text):
        carry_out(tmp_path, **changes)
    assert not [*tmp_path.iterdir()]


def test_optuna_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("atelier.sweeps.search.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"hydra/sweeper=optuna: needs Optuna.*pip install .*\[sweeps\]"):
        carry_out(tmp_path)


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_trial_that_does_not_compose_is_named_once_and_in_nobodys_way(at_once, tmp_path):
    def refuse_low(jobs):
        if any(float(job[0].partition("=")[2]) < 0 for job in jobs):
            raise UserError("x: too low")

    refusals = 0
    for _ in range(9):
        try:
            launcher = carry_out(tmp_path, at_once=at_once, validate=refuse_low)
            break
        except UserError:
            refusals += 1
    assert 0 < refusals < 8
    assert carry_out(tmp_path, at_once=at_once, validate=refuse_low).batches == []
    assert len(jobs(tmp_path)) == 8 - refusals
    assert launcher.ledger.jobs()[0].status == "done"


def test_equal_proposals_are_one_job_and_each_trial_has_its_score(tmp_path):
    launcher = carry_out(tmp_path, trials=4, at_once=4, words=("x=1,2", "fixed=1"))
    assert sum(launcher.batches) == len(jobs(tmp_path)) <= 2
    study = optuna.load_study(study_name=NAME, storage=storage(tmp_path))
    assert [trial.value for trial in study.trials] == [(float(trial.params["x"]) - 1) ** 2 for trial in study.trials]


def test_a_search_without_scores_ends_with_its_first_job(tmp_path):
    launcher = Formula(tmp_path, score=math.inf)
    with pytest.raises(UserError, match="metrics: a search needs a score: a job ended without one"):
        carry_out(tmp_path, launcher)
    assert launcher.batches == [1]


@pytest.mark.parametrize("record", ["{", "[]"])
def test_a_damaged_record_of_a_job_without_a_score_is_named(record, tmp_path):
    with pytest.raises(UserError, match=r"its run\.json cannot be read"):
        carry_out(tmp_path, Formula(tmp_path, score=math.inf, record=record))


def test_a_job_that_diverged_ends_no_search(tmp_path):
    launcher = carry_out(tmp_path, Formula(tmp_path, score=math.inf, record='{"monitor": "fid"}'), trials=3)
    assert launcher.batches == [1] * 3
