"""Looks after a training: measures, warns, and stops or goes back if it is to."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from atelier.callbacks.health import advice, recovery
from atelier.callbacks.health.chart import Chart, Findings
from atelier.callbacks.health.pictures import LEAST, Examined, Pictures
from atelier.callbacks.health.pulse import Pulse
from atelier.callbacks.health.variety import Recalls
from atelier.callbacks.neighbours import beside, data_of
from atelier.callbacks.protocols import Judge
from atelier.callbacks.record import Record
from atelier.errors import Diverged

log = logging.getLogger(__name__)

OnCollapse = Literal["warn", "stop", "rollback"]

ROLLBACKS = 3
"""Returns to a healthy state, after which a recipe has had its chances."""


class Health(Callback):
    """Logs `health/*`: gradients and penalties at logged steps, variety and overfitting at validations.

    A symptom that is seen twice in a row is warned of, once. After a collapse `stop` ends the run with RunError;
    `rollback` goes on from the last healthy state, kept as `checkpoints/healthy.ckpt`, which the fourth time ends the
    run. Either acts before the state of that validation is saved, so it must stand before the checkpoints.

    `features` maps images in [-1, 1] to the vectors (B, D) that they are compared by, `count` of them. A generator
    whose samples have never varied is called young until step `grace`, and collapsed from then on; at the end of a run
    that is told, too, but nothing is done about it. A recall below `least_recall`, or far below what healthy samples
    of the run have had, is a collapse, too.
    """

    def __init__(
        self,
        features: Callable[[Tensor], Tensor],
        on_collapse: OnCollapse = "warn",
        count: int = 128,
        seed: int = 0,
        grace: int = 5000,
        least_recall: float = 0.0,
    ) -> None:
        if on_collapse not in get_args(OnCollapse):
            raise ValueError(f"on_collapse must be one of {list(get_args(OnCollapse))}, got {on_collapse!r}")
        if count < LEAST:
            raise ValueError(f"count must be >= {LEAST}, got {count}: of fewer pictures variety cannot be told")
        if grace < 0:
            raise ValueError(f"grace must be >= 0, got {grace}")
        if not 0 <= least_recall <= 1:
            raise ValueError(f"least_recall must be in [0, 1], got {least_recall}")
        self.on_collapse, self.grace, self.least_recall = on_collapse, grace, least_recall
        self.pictures, self.pulse, self.chart = Pictures(features, count, seed), Pulse(), Chart()
        self.varied, self.rollbacks, self.recalls = False, 0, Recalls()
        self._collapsed, self._healthy = False, False  # at the validation that is going on

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.pulse.attach(pl_module, trainer.optimizers)
        self._tell_of_too_few(trainer, pl_module)
        if Path(trainer.ckpt_path or "").name == recovery.HEALTHY:
            self.rollbacks = 0  # somebody has had a look meanwhile

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if _is_logged(trainer, trainer.global_step + 1):
            self.pulse.await_all()

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        self.pulse.feel(optimizer, trainer.scaler)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if _is_logged(trainer, trainer.global_step):
            readings = self.pulse.readings(beside(trainer, Record).latest)
            _log(trainer, readings)
            self.chart.note(self.pulse.findings(readings), trainer.global_step)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._collapsed = self._healthy = False
        if isinstance(pl_module, Judge) and self.pictures.suffice(data_of(trainer), pl_module.device):
            self._examine(trainer, self.pictures.examine(pl_module))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.on_collapse == "warn":
            return
        if self._collapsed:
            self._act(trainer)
        elif self._healthy:
            recovery.save(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {
            "varied": self.varied,
            "rollbacks": self.rollbacks,
            "recalls": self.recalls.seen,
            "chart": self.chart.state_dict(),
            "pulse": self.pulse.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.varied, self.rollbacks = state_dict["varied"], state_dict["rollbacks"]
        self.recalls = Recalls(state_dict["recalls"])
        self.chart.load_state_dict(state_dict["chart"])
        self.pulse.load_state_dict(state_dict["pulse"])

    def _tell_of_too_few(self, trainer: Trainer, task: LightningModule) -> None:
        held_out = len(data_of(trainer).validation_pixels)
        if isinstance(task, Judge) and held_out < LEAST and trainer.is_global_zero:
            log.warning(
                "health: of %s held-out pictures nobody can tell whether samples vary, %s are needed: a collapse will "
                "not be noticed; data.validation says how many are held out",
                held_out,
                LEAST,
            )

    def _examine(self, trainer: Trainer, examined: Examined) -> None:
        variety, overfitting = examined
        _log(trainer, {**variety._asdict(), "logit_gap": overfitting.gap, "overfitting": overfitting.ratio})
        step, run = trainer.global_step, Path(trainer.default_root_dir)
        least_recall = max(self.least_recall, self.recalls.least)
        healthy = variety.healthy(least_recall)
        # two devices need not compute the same last bit: all processes go back, or none
        self._healthy = trainer.strategy.broadcast(healthy)
        self.varied |= self._healthy
        self._collapsed = trainer.strategy.broadcast(
            "collapse" in self.chart.note(self._findings(examined, least_recall, run, step), step)
        )
        if self._healthy:
            self.recalls.note(variety.recall)
        unvaried = not (self.varied or self._collapsed) and variety.collapsed(least_recall)
        if unvaried and step == trainer.max_steps:
            self.chart.tell("unvaried", advice.unvaried(variety, run, step), step)

    def _findings(self, examined: Examined, least_recall: float, run: Path, step: int) -> Findings:
        variety, overfitting = examined
        young = not self.varied and step < self.grace
        collapsed = variety.collapsed(least_recall) and not young
        acted_on = self.on_collapse != "warn"
        return {
            "collapse": advice.collapsed(variety, self.recalls.usual, run, acted_on) if collapsed else None,
            "overfitting": advice.remembering(overfitting) if overfitting.certain else None,
        }

    def _act(self, trainer: Trainer) -> None:
        step, healthy = trainer.global_step, recovery.path(trainer)
        way_on = (
            f"the last healthy state is kept, and resume={healthy} goes on from it; try "
            f"{advice.remedies(Path(trainer.default_root_dir))}"
        )
        if not healthy.is_file():
            raise Diverged(f"step {step}: the samples have collapsed, and there is no healthy state to go back to")
        if self.on_collapse == "stop":
            raise Diverged(f"step {step}: the samples have collapsed; {way_on}")
        if self.rollbacks == ROLLBACKS:
            raise Diverged(f"step {step}: the samples have collapsed again after {ROLLBACKS} rollbacks; {way_on}")
        self.rollbacks += 1
        from_step = recovery.restore(trainer)
        self.chart.forget("collapse")
        log.warning(
            "health: at step %s went back to the weights of step %s, rollback %s of %s",
            *(f"{number:,}" for number in (step, from_step, self.rollbacks, ROLLBACKS)),
        )


def _is_logged(trainer: Trainer, step: int) -> bool:
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]  # Lightning sets it from elsewhere
    return bool(every) and step % every == 0


def _log(trainer: Trainer, values: dict[str, float]) -> None:
    """To the row of this step, beside the losses, and as float32 as they are: nothing here is known more finely."""
    row = {f"health/{name}": torch.tensor(value, dtype=torch.float32).item() for name, value in values.items()}
    for logger in trainer.loggers:
        logger.log_metrics(row, trainer.global_step)
