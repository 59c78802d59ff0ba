"""The progress bar: what a run is doing, how fast, and how well."""

from time import monotonic
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Timer

from atelier.callbacks.checkpoints import Checkpoints
from atelier.callbacks.neighbours import all_beside, beside
from atelier.callbacks.record import Record
from atelier.record.console import console
from atelier.record.display import Display, Standing, display
from atelier.record.speed import Speed


class Progress(Callback):
    """Shows steps, images a second, the losses as last logged, the last scores and the best.

    Losses and counts are those of `Record`, the best score is that of `Checkpoints`. Losses leave the device
    only at the steps that are logged, where they leave it anyway.
    """

    def __init__(self) -> None:
        self._display: Display | None = None  # none on other ranks, before training and after it
        self._standing = Standing()
        self._looked = (0, 0.0)  # at which step, and when

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        self._standing = Standing(step=trainer.global_step, last_step=trainer.max_steps)
        self._speed = Speed(beside(trainer, Record).images_seen, trainer.global_step)
        self._looked = (trainer.global_step, monotonic())
        self._display = display(console)
        self._display.start()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if self._display is None:
            return
        self._standing.step = trainer.global_step
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]  # Lightning sets it from elsewhere
        if every and trainer.global_step % every == 0:
            latest = beside(trainer, Record).latest
            self._standing.terms = {name: value.item() for name, value in latest.items()}
        if monotonic() - self._looked[1] >= self._display.interval:
            self._look(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._display is None:
            return
        self._look(trainer, validating=True)
        self._speed.pause()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._display is None:
            return
        metrics = trainer.callback_metrics
        self._standing.scores = {key: value.item() for key, value in metrics.items() if key.startswith("val/")}
        self._standing.best = _best(beside(trainer, Checkpoints), self._standing)
        self._speed.go_on()
        self._look(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop(trainer)

    def _look(self, trainer: Trainer, validating: bool = False) -> None:
        standing = self._standing
        standing.validating = validating
        standing.images_per_second = self._speed.images_per_second(beside(trainer, Record).images_seen)
        standing.seconds_left = self._seconds_left(trainer)
        assert self._display is not None
        self._display.show(standing)
        self._looked = (standing.step, monotonic())

    def _seconds_left(self, trainer: Trainer) -> float | None:
        ends = [self._speed.seconds_left(self._standing.step, self._standing.last_step)]
        ends += [timer.time_remaining() for timer in all_beside(trainer, Timer)]
        return min((end for end in ends if end is not None), default=None)

    def _stop(self, trainer: Trainer) -> None:
        if self._display is None:
            return
        if self._looked[0] != self._standing.step:
            self._look(trainer)
        self._display.stop()
        self._display = None


def _best(keep: Checkpoints, standing: Standing) -> tuple[str, float, int] | None:
    """The best score with the one just made, of which `Checkpoints` hears after us."""
    if keep.monitor is None:
        return None
    value, step = min((keep.best_score, keep.best_step), (standing.scores[keep.monitor], standing.step))
    return keep.monitor, value, step
