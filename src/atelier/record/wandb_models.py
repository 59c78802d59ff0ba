"""Checkpoints as versions of one W&B artifact."""

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import wandb

from atelier import run_folder

log = logging.getLogger(__name__)

Choice = Literal["none", "best", "all"]


class Models:
    """Logs no checkpoint, each new best, or all that a validation leaves, with step and score.

    W&B reads a file later than it is told of it, offline perhaps weeks later, while `last.ckpt` is replaced at the next
    validation: it is given a second name of the file, which costs no space until then. The names lie in W&B's own
    folder of the run, and `wandb clean` takes them away with it.
    """

    def __init__(self, choice: Choice) -> None:
        if choice not in get_args(Choice):
            raise ValueError(f"checkpoints must be one of {list(get_args(Choice))}, got {choice!r}")
        self.choice = choice

    def log(self, run: Any, folder: Path, path: Path, step: int, score: float | None, aliases: Sequence[str]) -> None:
        """Record the whole checkpoint `path` with the W&B run. What fails is told; no training ends for it."""
        if run.disabled or self.choice == "none" or (self.choice == "best" and "best" not in aliases):
            return
        try:
            facts = run_folder.facts(folder)
            about = {"step": step, "score": score, "monitor": facts.get("monitor"), "card": facts.get("card")}
            artifact = wandb.Artifact(f"model-{run.id}", "model", metadata=about)
            kept = _second_name(path, Path(run.settings.sync_dir) / "checkpoints" / f"{step}.ckpt")
            artifact.add_file(str(kept), name="model.ckpt", policy="immutable", skip_cache=True)
            run.log_artifact(artifact, aliases=[*aliases, f"step-{step}"])
        except (OSError, ValueError, wandb.errors.Error) as error:
            log.warning("W&B did not take the checkpoint of step %d: %s", step, error)


def _second_name(path: Path, name: Path) -> Path:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    try:
        os.link(path, name)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, name)
    return name
