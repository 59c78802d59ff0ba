"""The picture of a run whose weights are one."""

from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer

from atelier import run_folder
from atelier.callbacks.protocols import Painter
from atelier.record.grids import save_png, to_pixels


class PaintedPicture(Callback):
    """Writes what a `Painter` has painted, pixel by pixel, to `picture.png` in the run's folder at every validation."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not isinstance(pl_module, Painter) or not trainer.is_global_zero:
            return
        run = Path(trainer.default_root_dir)
        pixels = to_pixels(pl_module.picture())[0].permute(1, 2, 0).numpy()
        save_png(pixels, run / run_folder.PICTURE, {"run": run_folder.title(run), "step": trainer.global_step})
