"""Searches, on a function instead of a run."""

import pytest
from filelock import Timeout
from hydra.core.override_parser.overrides_parser import OverridesParser

from atelier.errors import UserError
from atelier.files import lock_of
from atelier.sweeps.ledger import Job
from atelier.sweeps.space import space

optuna = pytest.importorskip("optuna")

from atelier.sweeps.study import JOURNAL, Study, numbers  # noqa: E402  # it imports Optuna, which is an extra

WORDS = ["x=interval(-4,4)", "y=range(0,5)", "z=a,b", "fixed=1"]
TPE = {"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 4}


def begin(folder, words=WORDS, seed=0, sampler=TPE):
    axes, fixed = space(OverridesParser.create().parse_overrides(words))
    return Study(folder, axes, fixed, sampler, seed)


def score(overrides):
    given = dict(word.split("=") for word in overrides)
    return (float(given["x"]) - 1) ** 2 + int(given["y"]) + (given["z"] == "b")


def finish(study, batch, status="done"):
    for proposal in batch:
        study.tell(proposal, Job(proposal.overrides, status, score(proposal.overrides)))


def carry_out(study, total, at_once=1):
    while batch := study.batch(at_once, total):
        finish(study, batch)
    return study


def tried(study):
    return [trial.user_attrs["overrides"] for trial in study.study.trials]


def test_a_search_finds_what_is_low_and_has_as_many_trials_as_were_asked_for(tmp_path):
    study = carry_out(begin(tmp_path), 30)
    assert len(tried(study)) == 30
    assert all(words[-1] == "fixed=1" for words in tried(study))
    found = [score(words) for words in tried(study)]
    assert min(found) < 1
    assert sum(found[15:]) < sum(found[:15]), "what was learned is made use of"
    assert f"30 trials, 0 of them pruned; the best is number {found.index(min(found))}, {min(found):.4g}: x=" in (
        study.summary()
    )
    assert study.batch(1, 30) == []
    assert len(tried(carry_out(begin(tmp_path), 32))) == 32, "the same command with more goes on"


def test_processes_ask_one_after_another(tmp_path, monkeypatch):
    study, asked = begin(tmp_path), Study._ask

    def ask(self):
        with pytest.raises(Timeout):
            lock_of(tmp_path / JOURNAL).acquire(timeout=0)
        return asked(self)

    monkeypatch.setattr(Study, "_ask", ask)
    assert len(study.batch(2, 8)) == 2
    with lock_of(tmp_path / JOURNAL).acquire(timeout=0):
        pass


@pytest.mark.parametrize(("broken_after", "at_once"), [(1, 1), (7, 1), (6, 3)])
def test_a_search_that_is_broken_off_goes_on_as_if_it_had_not_been(broken_after, at_once, tmp_path):
    whole = carry_out(begin(tmp_path / "whole"), 12, at_once)
    broken = carry_out(begin(tmp_path / "broken"), broken_after, at_once)
    asked = broken.batch(at_once, 12)  # and then it is killed

    study = begin(tmp_path / "broken")
    again = study.batch(at_once, 12)
    assert again == asked
    finish(study, again)
    carry_out(study, 12, at_once)
    assert len(tried(study)) == 12
    assert tried(study) == tried(whole)


def test_half_told_batches_are_told_before_anything_new_is_asked_for(tmp_path):
    whole = carry_out(begin(tmp_path / "whole"), 9, 3)
    first = begin(tmp_path / "broken")
    finish(first, first.batch(3, 9))
    batch = first.batch(3, 9)
    finish(first, batch[:1])

    study = begin(tmp_path / "broken")
    assert study.batch(3, 9) == batch[1:]
    finish(study, batch[1:])
    assert tried(carry_out(study, 9, 3)) == tried(whole)


def test_other_seeds_try_other_things(tmp_path):
    found = [tried(carry_out(begin(tmp_path / str(seed), seed=seed), 3)) for seed in (0, 1)]
    assert found[0] != found[1]
    assert len({tuple(words) for words in found[0]}) == 3, "each trial has random numbers of its own"


def test_how_jobs_end_is_how_trials_do(tmp_path):
    study = begin(tmp_path)
    batch = study.batch(6, 6)
    for proposal, status in zip(batch, ("done", "pruned", "failed", "running", "interrupted", "pending"), strict=True):
        study.tell(proposal, Job(proposal.overrides, status, 3.0 if status in ("done", "pruned") else float("inf")))
    states = [trial.state.name for trial in study.study.trials]
    assert states == ["COMPLETE", "PRUNED", "FAIL", "RUNNING", "RUNNING", "RUNNING"]
    assert study.batch(6, 6) == [], "what goes on elsewhere is left alone"
    assert study.batch(6, 7)[0].number == 6


@pytest.mark.parametrize("status", ["done", "pruned", "failed"])
@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "while it is told"])
def test_of_two_processes_at_one_search_the_slower_goes_on_too(status, meanwhile, tmp_path, monkeypatch):
    """The one takes a trial that the other is at for broken off, and finds its job done when it comes to tell."""
    quick, slow = begin(tmp_path), begin(tmp_path)
    batch = quick.batch(1, 3)
    assert slow.batch(1, 3) == batch
    if meanwhile:  # Optuna calls this between its look at the trial and its word
        monkeypatch.setattr(slow.study.sampler, "after_trial", lambda *_: finish(quick, batch, status), raising=False)
    else:
        finish(quick, batch, status)
    finish(slow, batch, status)
    assert quick.study.trials[0].state.name == {"done": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[status]
    carry_out(slow, 3)
    assert carry_out(quick, 3).count() == 3


def test_a_run_without_a_score_is_no_part_of_a_search(tmp_path):
    study = begin(tmp_path)
    proposal = study.batch(1, 1)[0]
    study.tell(proposal, Job(proposal.overrides, "done"))
    assert study.study.trials[0].state.name == "FAIL"
    assert study.summary() == "1 trials, 0 of them pruned; none has a score"


def test_failed_trials_are_tried_again_on_request_and_count_once(tmp_path):
    study = begin(tmp_path)
    batch = study.batch(4, 4)
    finish(study, batch[:2])
    finish(study, batch[2:], status="failed")
    assert begin(tmp_path).batch(4, 4) == []

    study = begin(tmp_path)
    study.retry_failed()
    again = study.batch(4, 4)
    assert [proposal.overrides for proposal in again] == [proposal.overrides for proposal in batch[2:]]
    finish(study, again)
    study.retry_failed()
    assert study.batch(4, 4) == []
    assert study.count() == 4
    assert numbers(again) != numbers(batch[2:])


@pytest.mark.parametrize(
    ("former", "other", "told"),
    [
        (["x=interval(-4,4)", "z=a,b"], ["x=interval(-4,4)", "z=a,b,c"], "of z;"),
        (["x=interval(-4,4)", "z=a,b"], ["x=interval(-2,2)", "z=a,b,c"], "of x, z;"),
        (["x=interval(-4,4)"], ["x=range(-4,4)"], "of x;"),
        (["x=interval(0,1)"], ["x=range(0,1,0.3)"], "of x;"),
        (["x=range(0,1,0.3)"], ["x=range(0,2,0.6)"], "of x;"),
        (["x=range(0,4)"], ["x=range(0,1,0.3)"], "of x;"),
        (["x=range(0,4)", "z=a,b"], ["x=range(0,4)"], "of z;"),
        (["x=range(0,4)"], ["x=range(0,4)", "z=a,b"], "of z;"),
    ],
)
def test_another_search_in_the_same_folder_is_refused(former, other, told, tmp_path):
    begin(tmp_path, former).batch(1, 1)
    with pytest.raises(UserError, match=f"hydra.sweeper.params: this study was begun with others, {told}"):
        begin(tmp_path, other)
    assert begin(tmp_path, former).count() == 1, "and the former one goes on"
