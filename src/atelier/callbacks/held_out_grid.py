"""Grids of what became of held-out pictures, a row for each."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from atelier.callbacks.shown import show
from atelier.record.grids import Pixels, grid


class HeldOutGrid(Callback, ABC):
    """Writes `samples/<step>.png` at every validation, of its first `count` items, and shows it to the loggers."""

    def __init__(self, count: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count
        self._held: list[Any] = []

    @abstractmethod
    def columns(self, task: Any, batch: Any) -> Sequence[Tensor]:
        """What is shown of a batch, uint8 (B, 3, H, W), all of one size. Gradients are off."""

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        if not trainer.is_global_zero:
            return
        if (lacking := self.count - sum(len(held.content) for held in self._held)) > 0:
            self._held.append(type(batch)(*(None if part is None else part[:lacking] for part in batch)))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._held:
            return
        held, self._held = self._held, []
        show(trainer, self.draw(pl_module, _joined(held)))

    def draw(self, task: Any, batch: Any) -> Pixels:
        """The grid. The training's own random numbers are not touched."""
        device = batch.content.device
        with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            columns = self.columns(task, batch)
        return grid(torch.stack([*columns], 1).flatten(0, 1), len(columns))


def _joined(batches: Sequence[Any]) -> Any:
    """One batch of several."""
    first = batches[0]
    return type(first)(*(None if parts[0] is None else torch.cat(parts) for parts in zip(*batches, strict=True)))
