"""A picture of a run, where people look for it."""

from pathlib import Path

from pytorch_lightning import Trainer

from atelier import run_folder
from atelier.record.grids import Pixels, save_png
from atelier.record.loggers import log_image


def show(trainer: Trainer, picture: Pixels, **origin: object) -> None:
    """Write `samples/<step>.png` into the run's folder, with what made it, and show it to the loggers."""
    run, step = Path(trainer.default_root_dir), trainer.global_step
    save_png(picture, run / "samples" / f"{step:06d}.png", {"run": run_folder.title(run), "step": step, **origin})
    log_image(trainer.loggers, "samples", picture, step)
