"""What a sweep does around each of its jobs, in whichever process that runs."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from atelier.auto_resume import going_on
from atelier.errors import Interrupted, UserError
from atelier.failures import describe, exit_code
from atelier.sweeps import trial
from atelier.sweeps.ledger import OVER, Ledger
from atelier.sweeps.owner import Pulse


def attempted(cfg: DictConfig, train: Callable[[DictConfig], float]) -> float:
    """What `train` returns: outside of a sweep, simply that.

    In one, the ledger learns how it went; a job that is done already is not trained again, and one that has a
    checkpoint goes on from it, with its own recipe. Raises what `train` raises, UserError for `retry` outside
    of a sweep, and Taken where another process is at the job.
    """
    hydra = HydraConfig.get()
    if hydra.mode is not RunMode.MULTIRUN:
        if (retry := OmegaConf.select(cfg, "retry")) is not None:
            raise UserError(f"retry: a single run has no jobs to try again; leave out retry={retry}")
        return train(cfg)
    ledger, run = Ledger(Path(hydra.sweep.dir)), Path(hydra.runtime.output_dir)
    overrides = [*hydra.overrides.task]
    if (job := ledger.job(overrides)).status in OVER:
        return job.score
    this = ledger.begin(overrides, run)
    with Pulse(this.path):
        try:
            trial.note(ledger, overrides, run)
            if (score := trial.pruned(run)) is None:  # it may have been killed on its last line
                score = train(going_on(cfg, run, words=()))
        except (Interrupted, KeyboardInterrupt) as stop:
            this.end("interrupted", reason=str(stop) or "interrupted")
            raise
        except Exception as error:
            reason = describe(error) or traceback.format_exc().strip()
            this.end("failed", reason=reason, code=exit_code(error))
            raise
        this.end("done" if trial.pruned(run) is None else "pruned", score)
    return score


def callbacks(run: Path) -> list[Any]:
    """What Lightning is to call in a run because it is a trial: nothing, where it is none or its study prunes none."""
    if not trial.read(run).get("pruner"):
        return []
    from atelier.sweeps.pruning import Pruning  # Optuna and Lightning: not for runs that are no trials

    return [Pruning(run)]
