"""The picture everyone looks at of a style transfer: contents, styles, and what became of them."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.nn.functional import interpolate

from atelier.callbacks.protocols import Stylizer
from atelier.record.grids import Pixels, grid, save_png, to_pixels
from atelier.record.loggers import log_image


class StylisedGrid(Callback):
    """Writes `samples/<step>.png` at every validation, of its first `count` pairs, and shows it to the loggers.

    A row is a content, its style, and the content in that style.
    """

    def __init__(self, count: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not isinstance(pl_module, Stylizer):
            raise TypeError(f"{type(pl_module).__name__} has no stylised(batch): leave the grid out")

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        if batch_idx or trainer.sanity_checking or not trainer.is_global_zero:
            return
        picture, step = self.draw(cast(Stylizer, pl_module), batch), trainer.global_step
        folder = Path(trainer.default_root_dir)
        note = {"run": "/".join(folder.absolute().parts[-2:]), "step": step}
        save_png(picture, folder / "samples" / f"{step:06d}.png", note)
        log_image(trainer.loggers, "samples", picture, step)

    def draw(self, task: Stylizer, batch: Any) -> Pixels:
        """The grid. The training's own random numbers are not touched."""
        some = type(batch)(*(None if part is None else part[: self.count] for part in batch))
        device = some.content.device
        with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            stylised = task.stylised(some)
        columns = [
            _framed(to_pixels(images), some.content.shape[2:]) for images in (some.content, some.style, stylised)
        ]
        return np.asarray(grid(torch.stack(columns, 1).flatten(0, 1), 3))


def _framed(pixels: Tensor, size: Any) -> Tensor:
    """uint8 (B, 3, H, W) within frames of `size`, whole and on white."""
    scale = min(side / own for side, own in zip(size, pixels.shape[2:], strict=True))
    height, width = (min(side, round(own * scale)) for side, own in zip(size, pixels.shape[2:], strict=True))
    framed = pixels.new_full((*pixels.shape[:2], *size), 255)
    if scale != 1:
        pixels = interpolate(pixels.float(), (height, width), mode="bilinear", antialias=True).round().byte()
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    framed[:, :, top : top + height, left : left + width] = pixels
    return framed
