"""`trainer.max_time`: how long a run may train, all its parts together."""

from collections.abc import Mapping
from typing import Any

from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Timer


class TimeLimit(Timer):
    """Lightning's timer, which would also stop between the batches of one step: their gradients would be lost.

    Raises ValueError for what is no time.
    """

    def __init__(self, max_time: str | Mapping[str, int]) -> None:
        try:
            super().__init__(max_time if isinstance(max_time, str) else dict(max_time))
        except (MisconfigurationException, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"max_time must be DD:HH:MM:SS, or as {{hours: 8}}, got {max_time!r}") from error

    @property
    def is_over(self) -> bool:
        left = self.time_remaining()
        return left is not None and left <= 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            super().on_train_batch_end(trainer)
