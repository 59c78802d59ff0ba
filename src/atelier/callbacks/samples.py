"""The picture everyone looks at: the same latents, drawn again at every validation."""

import math
from typing import cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.protocols import ClassSampler, Sampler
from atelier.callbacks.shown import show
from atelier.record.grids import Pixels, grid, to_pixels


class SampleGrid(Callback):
    """Writes `samples/<step>.png` into the trainer's root folder and shows it to the loggers.

    One grid comes before the first step, so that a time-lapse begins with noise. The latents follow from
    `seed` alone, and the training's own random numbers are not touched: pictures change no run. Where the task has
    classes, each column is of one.
    """

    def __init__(self, count: int = 64, seed: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count
        self.seed = seed

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not isinstance(pl_module, Sampler):
            raise TypeError(f"{type(pl_module).__name__} has no sample(count, generator): leave the grid out")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.global_step == 0:
            self._show(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._show(trainer, pl_module)

    def _show(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.is_global_zero:
            show(trainer, self.draw(cast(Sampler, task), task.device), seed=self.seed)

    def draw(self, task: Sampler, device: torch.device) -> Pixels:
        """The grid. A task that also draws from the global generator gets the same numbers each time."""
        with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(self.seed)
            generator = torch.Generator().manual_seed(self.seed)
            if isinstance(task, ClassSampler) and task.classes:
                labels = torch.arange(self.count) % task.classes
                return grid(to_pixels(task.sample(self.count, generator, labels)), self._columns(task.classes))
            return grid(to_pixels(task.sample(self.count, generator)))

    def _columns(self, classes: int) -> int:
        """A whole number of columns for each class, as nearly square as that allows."""
        return classes * max(1, round(math.sqrt(self.count) / classes))
