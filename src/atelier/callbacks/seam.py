"""Whether samples that are to tile do."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from atelier.callbacks.protocols import Sampler


class SeamScore(Callback):
    """Logs `val/seam` of `count` samples at validations of a task whose `seamless` is true: 1 is no seam."""

    def __init__(self, count: int = 64, seed: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count must be >= 1, got {count}")
        self.count, self.seed = count, seed

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if getattr(pl_module, "seamless", False):  # tasks that cannot tile need not say so
            assert isinstance(pl_module, Sampler)
            images = pl_module.sample(self.count, torch.Generator().manual_seed(self.seed))
            pl_module.log("val/seam", seam(images))


def seam(images: Tensor) -> float:
    """How much pixels differ across the edges of images (B, C, H, W), relative to how neighbours inside differ.

    Mean absolute differences, of both axes: 1 where the edges cannot be found by looking at the tiled images. Images
    without any detail have no seam if their edges meet, and else an infinite one.
    """
    steps = [(images - images.roll(1, axis)).abs().transpose(axis, 0) for axis in (2, 3)]  # the first is the seam
    across = sum(step[0].mean() for step in steps)
    inside = sum(step[1:].mean() for step in steps)
    return float(across / inside) if inside or across else 1.0
