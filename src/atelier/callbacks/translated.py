"""The picture everyone looks at of a translation: contents, and what became of them."""

from collections.abc import Sequence
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from atelier.callbacks.held_out_grid import HeldOutGrid
from atelier.callbacks.protocols import Translator
from atelier.record.grids import framed, to_pixels


class TranslatedGrid(HeldOutGrid):
    """A row is what the task has to show of a content: itself, its translation, and what that was to become or became
    again. See `HeldOutGrid`.

    Smaller pictures are enlarged to the largest.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not isinstance(pl_module, Translator):
            raise TypeError(f"{type(pl_module).__name__} has no translated(batch) and shown(batch): leave the grid out")

    def columns(self, task: Translator, batch: Any) -> Sequence[Tensor]:
        columns = [to_pixels(images) for images in task.shown(batch)]
        height, width = (max(images.shape[axis] for images in columns) for axis in (2, 3))
        return [framed(_magnified(images, height, width), height, width) for images in columns]


def _magnified(images: Tensor, height: int, width: int) -> Tensor:
    """Each pixel a square, as many times as large as fits whole: what was to be enlarged is seen as it was."""
    times = min(height // images.shape[2], width // images.shape[3])
    return images.repeat_interleave(times, 2).repeat_interleave(times, 3)
