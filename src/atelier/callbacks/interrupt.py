"""Ctrl-C and SIGTERM end a run at the end of a step, with everything that is needed to go on exactly."""

import signal
from types import FrameType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.checkpoints import Checkpoints
from atelier.errors import Interrupted


class Interrupt(Callback):
    """The first signal finishes the step (and its validation, if one is due), saves and stops; a second stops at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.checkpoints = checkpoints
        self.received: int | None = None
        self._former: dict[int, Any] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for number in self.SIGNALS:
            self._former[number] = signal.signal(number, self._receive)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if self.received and not _validation_is_due(trainer):  # which would be skipped on resuming from here
            self.checkpoints.save(trainer)
            self._stop(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.received:
            self._stop(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise Interrupted("stopped at once")
        self.received = number

    def _stop(self, trainer: Trainer) -> None:
        raise Interrupted(f"stopped at step {trainer.global_step}")


def _validation_is_due(trainer: Trainer) -> bool:
    interval = trainer.val_check_batch
    return trainer.should_stop or bool(interval and trainer.global_step % interval == 0)
