"""The course of a search: ask, run, tell, until there are as many trials as one wants."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn
from omegaconf import OmegaConf

from atelier.config import check
from atelier.errors import UserError
from atelier.failures import tell
from atelier.sweeps.driver import Driver, announce
from atelier.sweeps.space import space


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
    returned, trials = [], driver.ledger.plan.get("trials", {})
    while batch := study.batch(extent.at_once, extent.trials):
        jobs = [proposal.overrides for proposal in batch]
        validate(jobs)
        trials |= numbers(batch)
        driver.plan(jobs, sweeper="optuna", trials=trials, pruner=extent.pruner)
        returned.append(driver.run(jobs))
        for proposal in batch:
            study.tell(proposal, driver.ledger.job(proposal.overrides))
    tell(study.summary())
    return returned


def _refuse(extent: Extent) -> None:
    if find_spec("optuna") is None:
        raise UserError("hydra/sweeper=optuna: needs Optuna, which is not installed: pip install 'atelier[sweeps]'")
    for name, value in (("n_trials", extent.trials), ("n_jobs", extent.at_once)):
        if value < 1:
            raise UserError(f"hydra.sweeper.{name}: must be at least 1, got {value}")
    sweeper = {"sampler": {**extent.sampler, "seed": extent.seed}, "pruner": extent.pruner}
    check(OmegaConf.create({"hydra": {"sweeper": sweeper}}), rehearsed=("hydra",))
