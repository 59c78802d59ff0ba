"""What a run asks of its metrics, whatever these are of."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from lightning_fabric.utilities import move_data_to_device
from pytorch_lightning import Callback, LightningModule, Trainer


class Scoring(Callback, ABC):
    """Metrics with what they are shown, logged as `val/<score>` at every validation.

    `refuse_unfit` comes first, then `prepare`, then `measure` again and again. Data is a data module that is prepared.
    """

    option: ClassVar[str]
    """The `metrics=` that is of this kind."""
    misfit: ClassVar[str]
    """Why these metrics do not apply to this run; ends an error that begins with `metrics:`."""

    def __init__(self, metrics: Any, seed: int) -> None:
        """`seed` is the run's."""
        self.metrics, self.seed = metrics, seed

    @classmethod
    @abstractmethod
    def fits(cls, task: Any, data: Any) -> bool:
        """Whether the task makes something of this data that these metrics are of."""

    @abstractmethod
    def refuse_unfit(self, data: Any) -> None:
        """Raise UserError where there are too few pictures for the metrics. From then on `count` is known."""

    @abstractmethod
    def prepare(self, data: Any, device: torch.device) -> None:
        """What takes minutes the first time."""

    @abstractmethod
    def measure(self, task: Any, rank: int = 0, world: int = 1) -> dict[str, float]:
        """The scores by name. Process `rank` of `world` shows its share of the pictures."""

    @abstractmethod
    def origin(self) -> dict[str, Any]:
        """What the card says of the pictures that are shown."""

    @property
    def count(self) -> int:
        """Pictures that are shown at each validation."""
        return self.metrics.count

    @property
    def monitor(self) -> str | None:
        """The score that chooses the best checkpoint, by its recorded name: lower is better."""
        return self.metrics.monitor

    def card(self) -> dict[str, Any]:
        """The protocol of the scores; they are prepared."""
        return {**self.metrics.card(), **self.origin()}

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        found = self.measure(pl_module, trainer.global_rank, trainer.world_size)
        pl_module.log_dict({f"val/{name}": value for name, value in found.items()})


def held_out(data: Any, numbers: range, device: torch.device) -> Iterator[tuple[torch.Tensor, Any]]:
    """These of the held-out items, each once, in batches of `data.batch_size`: their numbers, int64 (B,), and batches.

    Not those of the validation's loop, which ends early where `trainer.limit_val_batches` says so.
    """
    for start in range(0, len(numbers), data.batch_size):
        some = np.asarray(numbers[start : start + data.batch_size])
        batch = data.validation_pixels.batch(some, np.zeros(len(some), bool))
        yield torch.from_numpy(some), move_data_to_device(batch, device)
