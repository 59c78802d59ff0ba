"""The course of a search: ask, run, tell, until there are as many trials as one wants."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn
from omegaconf import OmegaConf

from atelier.config import check
from atelier.errors import UserError
from atelier.failures import tell
from atelier.run_folder import facts
from atelier.sweeps.driver import Driver, announce
from atelier.sweeps.ledger import Job, Ledger
from atelier.sweeps.space import space

if TYPE_CHECKING:  # Optuna is an extra
    from atelier.sweeps.study import Proposal, Study


class Extent(NamedTuple):
    """How long a search is, how much of it goes on at once, and what chooses and prunes: nodes of a config."""

    trials: int
    at_once: int
    seed: int
    sampler: dict[str, Any]
    pruner: dict[str, Any] | None


def search(
    driver: Driver, overrides: Sequence[Override], extent: Extent, validate: Callable[[list[list[str]]], None]
) -> list[list[JobReturn]]:
    """Run trials until there are `extent.trials`. `validate` raises for jobs whose config cannot be composed."""
    _refuse(extent)
    from atelier.sweeps.study import Study, numbers

    axes, fixed = space(overrides)
    if not axes:
        raise UserError("hydra.sweeper.params: nothing to search: give values, such as KEY=interval(0, 1)")
    study = Study(driver.ledger.folder, axes, fixed, extent.sampler, extent.seed)
    if driver.retry:
        study.retry_failed()
    announce(driver.ledger, extent.trials)
    returned = []
    while batch := study.batch(extent.at_once, extent.trials):
        jobs = [proposal.overrides for proposal in batch]
        _compose(study, batch, validate)
        trials = driver.ledger.plan.get("trials", {}) | numbers(batch)  # another process may be at it, too
        driver.plan(jobs, sweeper="optuna", trials=trials, pruner=extent.pruner)
        returned.append(driver.run(jobs))
        ended = [driver.ledger.job(overrides) for overrides in jobs]
        for proposal, job in zip(batch, ended, strict=True):
            study.tell(proposal, job)
        _refuse_without_metrics(driver.ledger, ended)
    tell(study.summary())
    return returned


def _compose(study: "Study", batch: Sequence["Proposal"], validate: Callable[[list[list[str]]], None]) -> None:
    """Raises what `validate` does. The trial at fault has failed then, or every later call would begin with it."""
    for proposal in batch:
        try:
            validate([proposal.overrides])
        except Exception:  # of any kind, for Hydra composes and resolvers run: noted, and raised again
            study.tell(proposal, Job(proposal.overrides, "failed"))
            raise


def _refuse_without_metrics(ledger: Ledger, jobs: Sequence[Job]) -> None:
    """After the first jobs: those to come will have no score either. One that diverged is another matter."""
    for job in jobs:
        if job.status != "done" or isfinite(job.score) or job.folder is None:
            continue
        if facts(ledger.folder / job.folder).get("monitor") is None:
            raise UserError("metrics: a search needs a score: a job ended without one; metrics=embedded makes one")


def _refuse(extent: Extent) -> None:
    if find_spec("optuna") is None:
        raise UserError("hydra/sweeper=optuna: needs Optuna, which is not installed: pip install -e '.[sweeps]'")
    for name, value in (("n_trials", extent.trials), ("n_jobs", extent.at_once), ("seed", extent.seed)):
        if type(value) is not int:
            raise UserError(f"hydra.sweeper.{name}: must be a whole number, got {value!r}")
        if value < 1 and name != "seed":
            raise UserError(f"hydra.sweeper.{name}: must be at least 1, got {value}")
    sweeper = {"sampler": {**extent.sampler, "seed": extent.seed}, "pruner": extent.pruner}
    check(OmegaConf.create({"hydra": {"sweeper": sweeper}}), rehearsed=("hydra",))
