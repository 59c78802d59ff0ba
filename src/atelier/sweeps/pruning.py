"""A trial of a study tells its scores as it goes, and is stopped where it is worse than others were by then."""

from pathlib import Path

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import Trial
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.checkpoints import Checkpoints
from atelier.callbacks.neighbours import beside
from atelier.callbacks.record import Record
from atelier.config import build
from atelier.sweeps import trial
from atelier.sweeps.study import NAME, storage


class Pruning(Callback):
    """Reports every validation's score at its number of images seen; the study's pruner says whether to go on.

    A pruned run ends as one that has all its steps, with a checkpoint and nothing half done.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self._trial: Trial | None = None

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        stop = self._report(trainer) if trainer.is_global_zero else False
        if trainer.strategy.broadcast(stop):
            trainer.should_stop = True

    def _report(self, trainer: Trainer) -> bool:
        monitor = beside(trainer, Checkpoints).monitor
        if monitor is None:
            return False
        this = self._trial = self._trial or _find(self.run)
        this.report(float(trainer.callback_metrics[monitor]), beside(trainer, Record).images_seen)
        if trainer.global_step >= trainer.max_steps or not this.should_prune():
            return False
        reported = this.study.trials[this.number].intermediate_values
        trial.write(self.run, {**trial.read(self.run), "pruned_with": min(reported.values())})
        return True


def _find(run: Path) -> Trial:
    facts = trial.read(run)
    pruner = build(facts["pruner"], "hydra.sweeper.pruner")
    study = optuna.load_study(
        study_name=NAME, storage=storage(Path(facts["study"])), sampler=RandomSampler(), pruner=pruner
    )
    return Trial(study, study.trials[facts["number"]]._trial_id)
