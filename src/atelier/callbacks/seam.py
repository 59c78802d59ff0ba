"""Whether samples that are to tile do."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from atelier.callbacks.protocols import Painter, Sampler


class SeamScore(Callback):
    """Logs `val/seam` at validations of a task whose `seamless` is true: of `count` samples, or of what it paints.

    See `seam`.
    """

    def __init__(self, count: int = 64, seed: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count must be >= 1, got {count}")
        self.count, self.seed = count, seed

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if getattr(pl_module, "seamless", False):  # tasks that cannot tile need not say so
            pl_module.log("val/seam", seam(self._images(pl_module)))

    def _images(self, task: LightningModule) -> Tensor:
        if isinstance(task, Painter):
            return task.picture().detach()
        assert isinstance(task, Sampler)
        return task.sample(self.count, torch.Generator().manual_seed(self.seed))


def seam(images: Tensor) -> float:
    """How much pixels of images (B, C, H, W) differ across the edges, relative to where neighbours inside differ most.

    Mean absolute differences between two rows, or two columns: about 1 or less where the edges cannot be found by
    looking at the tiled images. Images without any detail have no seam if their edges meet, and else an infinite one.
    """
    lines = [(images - images.roll(1, axis)).abs().transpose(axis, 0).flatten(1).mean(1) for axis in (2, 3)]
    across = sum(line[0] for line in lines)  # the first is the seam
    # Not where they differ on the average: smooth samples have rough places and plain ones, the same in all of them.
    # A young StyleGAN2 without a visible seam had 1.9 by that, and paintings, which do not tile, have 2.2.
    inside = sum(line[1:].max() for line in lines)
    return float(across / inside) if inside or across else 1.0
