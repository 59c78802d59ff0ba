"""For points whose modes one knows: how many the generator has found, as two scores and a picture."""

from typing import cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from atelier.callbacks.neighbours import data_of
from atelier.callbacks.protocols import Sampler
from atelier.callbacks.shown import show
from atelier.metrics.modes import coverage
from atelier.record.scatter import scatter


class Modes(Callback):
    """Logs `val/modes` and `val/good_samples` of `count` points, and draws them as `samples/<step>.png`.

    The data module says where the modes are: `centres` (modes, 2) and their `deviation`.
    """

    def __init__(self, count: int = 2500, seed: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count must be >= 1, got {count}")
        self.count, self.seed = count, seed

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not hasattr(data_of(trainer), "centres"):
            raise TypeError("the data has no known modes: leave callbacks.modes out")

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        points, data = self._points(pl_module), data_of(trainer)
        found = coverage(points, data.centres, data.deviation)
        pl_module.log_dict({"val/modes": float(found.modes), "val/good_samples": found.good})
        if trainer.is_global_zero:
            show(trainer, scatter(points.numpy(), data.validation_pixels.points.numpy()), seed=self.seed)

    def _points(self, task: LightningModule) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed)
        return cast(Sampler, task).sample(self.count, generator).flatten(1).cpu()
