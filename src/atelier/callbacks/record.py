"""Losses and counts of training, to the loggers; and the end of a run whose losses are no longer numbers."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from atelier import processes
from atelier.errors import Diverged, LostProcesses

SUM = "loss"
"""What Lightning has a task call what it minimises, where it minimises one thing: its terms say more."""


class Record(Callback):
    """Logs the terms that `training_step` returns, every `trainer.log_every_n_steps` steps, with `images_seen`.

    Terms stay on their device until a row is due: no step waits for another's. A term that is not finite ends the run
    by then, in whichever process it is, and no checkpoint is written from that step on.
    """

    def __init__(self) -> None:
        self.images_seen = 0
        self.latest: dict[str, Tensor] = {}
        self._unchecked: list[tuple[int, dict[str, Tensor]]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.latest = {name: value.to(pl_module.device) for name, value in self.latest.items()}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.images_seen += len(batch[0]) * trainer.world_size
        terms = {name: term for name, term in outputs.items() if name != SUM}
        self._unchecked.append((trainer.global_step, terms))
        self.latest |= terms
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]  # Lightning sets it from elsewhere
        stepped = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if every and stepped and trainer.global_step % every == 0:
            self._refuse_non_finite()
            self._log(trainer, _of_all_processes(self.latest))

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._refuse_non_finite()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        pl_module.log("step", float(trainer.global_step))  # Lightning's own would be one less
        self._log(trainer, {})

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._refuse_non_finite()
        for name, weights in pl_module.named_parameters():
            if not weights.isfinite().all():
                raise Diverged(f"step {trainer.global_step}: the weights {name} are no longer finite")

    def state_dict(self) -> dict[str, Any]:
        """What one of several processes saves must be of all; all are asked for it."""
        latest = self.latest
        if latest and processes.count() > 1:
            latest = dict(zip(latest, _means(latest).unbind(), strict=True))
        return {"images_seen": self.images_seen, "latest": latest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.images_seen, self.latest = state_dict["images_seen"], dict(state_dict["latest"])

    def _log(self, trainer: Trainer, terms: dict[str, float]) -> None:
        """Straight to the loggers: `log_dict` counts in float32, which is exact up to 2**24 images only."""
        for logger in trainer.loggers:
            logger.log_metrics({"images_seen": self.images_seen, **terms}, trainer.global_step)

    def _refuse_non_finite(self) -> None:
        steps, self._unchecked = self._unchecked, []
        values = [value for _, terms in steps for value in terms.values()]
        if not values or not processes.summed((~torch.stack(values).isfinite()).sum()):
            return
        odd = [(step, name, value) for step, terms in steps for name, value in terms.items() if not value.isfinite()]
        if not odd:
            raise LostProcesses("a loss term of another process is no longer finite")
        step, name, value = odd[0]
        raise Diverged(f"step {step}: the loss term {name} is {value.item()}")


def _of_all_processes(terms: dict[str, Tensor]) -> dict[str, float]:
    """Their means, in one look at the device."""
    return dict(zip(terms, _means(terms).tolist(), strict=True)) if terms else {}


def _means(terms: dict[str, Tensor]) -> Tensor:
    values = torch.stack([*terms.values()])
    return processes.averaged(values.double()) if processes.count() > 1 else values
