"""Where Hydra looks for sweepers: conf/hydra/sweeper/ names these. The work is done in `atelier.sweeps`."""

from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from atelier.sweeps.driver import Driver, announce
from atelier.sweeps.grid import combinations
from atelier.sweeps.names import distinct, of_the_job
from atelier.sweeps.search import Extent, search


class _Continued(Sweeper):
    """A sweep with a ledger. `params` are overrides that the command line may replace."""

    hydra_context: HydraContext
    config: DictConfig

    def __init__(self, params: Mapping[str, Any] | None = None) -> None:
        self.params = {**(params or {})}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.config = hydra_context, config
        launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        self.driver = Driver(launcher, config)

    def parse(self, arguments: list[str]) -> list[Override]:
        """The last override of each key: those of the command line come last."""
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        parsed = OverridesParser.create(self.hydra_context.config_loader).parse_overrides(of_the_job(words))
        return [*{override.get_key_element(): override for override in parsed}.values()]


class Grid(_Continued):
    """Every combination of the values that are swept over."""

    def sweep(self, arguments: list[str]) -> Any:
        jobs = distinct(combinations(self.parse(arguments)))
        self.validate_batch_is_legal(jobs)
        self.driver.plan(jobs, sweeper="grid")
        announce(self.driver.ledger, len(jobs))
        return [self.driver.run(jobs)]


class Optuna(_Continued):
    """A search for the lowest score: `n_trials` in all, `n_jobs` of them at a time."""

    def __init__(
        self, n_trials: int, n_jobs: int, seed: int, sampler: DictConfig, pruner: DictConfig | None, params: DictConfig
    ) -> None:
        super().__init__(params)
        self.extent = Extent(n_trials, n_jobs, seed, _plain(sampler), _plain(pruner) if pruner else None)

    def sweep(self, arguments: list[str]) -> Any:
        return search(self.driver, self.parse(arguments), self.extent, self.validate_batch_is_legal)


def _plain(node: DictConfig) -> dict[str, Any]:
    return OmegaConf.to_container(node, resolve=True)  # type: ignore[return-value]  # its keys are strings
