"""A run that is told to stop ends with its step, and with everything that is needed to go on exactly."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.checkpoints import Checkpoints
from atelier.errors import Interrupted
from atelier.processes import Vote, part_at_exit
from atelier.signals import Signals


class Interrupt(Callback):
    """The first signal finishes the step, and its validation if one is due, saves and stops; a second stops at once.

    Of several processes all stop after the same step, which is the next one where only some were told to.
    """

    def __init__(self, signals: Signals, checkpoints: Checkpoints) -> None:
        self.signals, self.checkpoints = signals, checkpoints
        self._agreed = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.signals.take()  # Lightning's own SIGTERM handler would break off a validation, and exit with 0
        self.signals.patient = True
        self._vote = Vote()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._agreed = self._vote.ask(self.signals.received)
        stepped = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if self._agreed and stepped and not _validation_is_due(trainer):  # which would be skipped on resuming from here
            self.checkpoints.save(trainer)
            self._stop(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._vote.ask(self.signals.received) or self._agreed:
            self._stop(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._vote.close()
        self.signals.patient = False
        part_at_exit()

    def _stop(self, trainer: Trainer) -> None:
        part_at_exit()
        raise Interrupted(f"stopped at step {trainer.global_step}")


def _validation_is_due(trainer: Trainer) -> bool:
    interval, batches = trainer.val_check_batch, trainer.global_step * trainer.accumulate_grad_batches
    due = trainer.should_stop or bool(interval and batches % interval == 0)
    return due and bool(trainer.enable_validation)
