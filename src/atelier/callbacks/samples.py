"""The picture everyone looks at: the same latents, drawn again at every validation."""

import math
from typing import cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.protocols import ClassSampler, NumberedSampler
from atelier.callbacks.shown import show
from atelier.record.grids import Pixels, grid, to_pixels


class SampleGrid(Callback):
    """Writes `samples/<step>.png` into the trainer's root folder and shows it to the loggers.

    Its images are the first of `atelier sample --seed SEED`, row by row: what one likes can be had singly, and bred.
    Where the task has classes, each column is of one, as of `--label`, as long as there is a second row. One grid comes
    before the first step, so that a time-lapse begins with noise. The training's own random numbers are not touched:
    pictures change no run.
    """

    def __init__(self, count: int = 64, seed: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count
        self.seed = seed

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not isinstance(pl_module, NumberedSampler):
            raise TypeError(f"{type(pl_module).__name__} has no numbered(seed, numbers): leave the grid out")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.global_step == 0:
            self._show(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._show(trainer, pl_module)

    def _show(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.is_global_zero:
            show(trainer, self.draw(cast(NumberedSampler, task), task.device), seed=self.seed)

    def draw(self, task: NumberedSampler, device: torch.device) -> Pixels:
        """The grid. A task that also draws from the global generator gets the same numbers each time."""
        classes = task.classes if isinstance(task, ClassSampler) else None
        labels = torch.arange(self.count) % classes if classes else None
        with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(self.seed)
            images, _ = task.numbered(self.seed, range(self.count), labels=labels)
        return grid(to_pixels(images), self._columns(classes) if classes else None)

    def _columns(self, classes: int) -> int | None:
        """A whole number of columns for each class, as nearly square as that allows; None, for the squarest grid, where
        a column would be of one image.
        """
        columns = classes * max(1, round(math.sqrt(self.count) / classes))
        return columns if columns < self.count else None
