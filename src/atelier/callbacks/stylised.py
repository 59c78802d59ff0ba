"""The picture everyone looks at of a style transfer: contents, styles, and what became of them."""

from collections.abc import Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from atelier.callbacks.held_out_grid import HeldOutGrid
from atelier.callbacks.protocols import Stylizer
from atelier.record.grids import framed, to_pixels


class StylisedGrid(HeldOutGrid):
    """A row is a content, its style, and the content in that style. See `HeldOutGrid`.

    Of a texture, whose content is the style, it is the style, the texture and, where that is to tile, four of it.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not isinstance(pl_module, Stylizer):
            raise TypeError(f"{type(pl_module).__name__} has no stylised(batch): leave the grid out")

    def columns(self, task: Stylizer, batch: Any) -> Sequence[Tensor]:
        height, width = batch.content.shape[2:]
        stylised = task.stylised(batch)
        content = [] if torch.equal(batch.content, batch.style) else [batch.content]
        tiled = [stylised.repeat(1, 1, 2, 2)] if getattr(task, "seamless", False) else []
        shown = [*content, batch.style, stylised, *tiled]
        return [framed(to_pixels(images), height, width) for images in shown]
