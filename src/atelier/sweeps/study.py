"""A search over scores: Optuna chooses each job's values from the scores of those before it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from optuna.distributions import distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from atelier.config import build
from atelier.errors import UserError
from atelier.hashing import mix
from atelier.locks import alone
from atelier.sweeps.ledger import Job
from atelier.sweeps.names import key
from atelier.sweeps.space import Axis

NAME = "sweep"
JOURNAL = "study.log"
"""Optuna's storage. Its locks are symbolic links, which network file systems have too; `optuna-dashboard` shows it."""

SPACE = "space"
"""What a study has of ours: the axes that it was begun with."""

OVERRIDES, RETRIED = "overrides", "retries"
"""What a trial has of ours: its job, and the number of the failed trial that it stands in for."""


class Proposal(NamedTuple):
    number: int
    overrides: list[str]


def storage(folder: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


class Study:
    """The trials of a sweep in `folder`, of which the lowest score is the best.

    What trial n tries follows from the seed, n and the trials that were over when it was asked for. So a search that is
    broken off and begun again makes the trials that it would have made. Raises UserError for one of other axes.
    """

    def __init__(
        self, folder: Path, axes: Mapping[str, Axis], fixed: Sequence[str], sampler: Mapping[str, Any], seed: int
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder.mkdir(parents=True, exist_ok=True)
        self.journal = folder / JOURNAL
        self.axes, self.fixed, self.sampler, self.seed = axes, fixed, sampler, seed
        self.study = optuna.create_study(storage=storage(folder), study_name=NAME, load_if_exists=True)
        self._refuse_another_space()
        self._seen: set[int] = set()

    def batch(self, size: int, total: int) -> list[Proposal]:
        """Up to `size` trials that are to run together: those that were broken off, else new ones, `total` in all."""
        with alone(self.journal, "asks for trials of"):  # two that ask at once would be given the same values
            started = [trial for trial in self._trials(TrialState.RUNNING) if trial.number not in self._seen][:size]
            if not started:
                count = min(size, total - self.count())
                started = [self._ask() for _ in range(count)]
        self._seen |= {trial.number for trial in started}
        return [Proposal(trial.number, trial.user_attrs[OVERRIDES]) for trial in started]

    def count(self) -> int:
        """Trials there are, without those that failed and were tried again."""
        again = self._tried_again()
        return sum(trial.number not in again for trial in self._trials())

    def retry_failed(self) -> None:
        """Have what failed tried again, before anything new."""
        again = self._tried_again()
        for trial in self._trials(TrialState.FAIL):
            if trial.number not in again:
                self.study.enqueue_trial(trial.params, user_attrs={RETRIED: trial.number})

    def tell(self, proposal: Proposal, job: Job) -> None:
        """How the trial's job stands. One that another process is at, or that was stopped, stays open.

        Of a trial that another process had taken for broken off, both tell, and the first is heard.
        """
        if job.status == "done" and isfinite(job.score):
            self._end(proposal.number, TrialState.COMPLETE, job.score)
        elif job.status == "pruned":
            self._end(proposal.number, TrialState.PRUNED)
        elif job.status in ("failed", "done"):
            self._end(proposal.number, TrialState.FAIL)

    def summary(self) -> str:
        """The last word of a search."""
        pruned = len(self._trials(TrialState.PRUNED))
        counts = f"{self.count()} trials, {pruned} of them pruned"
        if not self._trials(TrialState.COMPLETE):
            return f"{counts}; none has a score"
        best = self.study.best_trial
        found = " ".join(best.user_attrs[OVERRIDES][: len(self.axes)])
        return f"{counts}; the best is number {best.number}, {best.value:.4g}: {found}"

    def _refuse_another_space(self) -> None:
        """Optuna itself takes most of them, though what it learned of the place of a tick holds for no other list."""
        own = {name: [distribution_to_json(axis.distribution), axis.ticks] for name, axis in self.axes.items()}
        known = self.study.user_attrs.get(SPACE, {})
        if not known and not self.study.get_trials(deepcopy=False):
            self.study.set_user_attr(SPACE, own)
        elif others := [name for name in {**known, **own} if known.get(name) != own.get(name)]:
            told = f"this study was begun with others, of {', '.join(others)}; hydra.sweep.dir=FOLDER begins another"
            raise UserError(f"hydra.sweeper.params: {told}")

    def _end(self, number: int, state: TrialState, score: float | None = None) -> None:
        with suppress(UpdateFinishedTrialError):  # told by another process since Optuna looked
            self.study.tell(number, score, state, skip_if_finished=True)

    def _ask(self) -> FrozenTrial:
        number = len(self.study.get_trials(deepcopy=False))
        self.study.sampler = build(self.sampler, "hydra.sweeper.sampler", seed=mix(self.seed, number) % 2**32)
        asked = self.study.ask({name: axis.distribution for name, axis in self.axes.items()})
        found = {name: f"{name}={axis.text(asked.params[name])}" for name, axis in self.axes.items()}
        asked.set_user_attr(OVERRIDES, [*found.values(), *self.fixed])
        return self.study.get_trials(deepcopy=False)[asked.number]

    def _tried_again(self) -> set[int | None]:
        return {trial.user_attrs.get(RETRIED) for trial in self.study.get_trials(deepcopy=False)}

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Those that were asked for wholly: a kill in that moment leaves one without its overrides."""
        trials = self.study.get_trials(deepcopy=False, states=states or None)
        return [trial for trial in trials if OVERRIDES in trial.user_attrs]


def numbers(proposals: Sequence[Proposal]) -> dict[str, int]:
    """Which trial each job is, by the job's name in the ledger."""
    return {key(proposal.overrides): proposal.number for proposal in proposals}
