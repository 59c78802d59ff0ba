"""Which checkpoints a run keeps: the last, the one before it, and the best."""

import math
import os
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from atelier import checkpoints
from atelier.errors import UserError
from atelier.files import replacing
from atelier.record.loggers import log_checkpoint


class Checkpoints(Callback):
    """Saves `last.ckpt` after every validation and at the end, and keeps it as `best.ckpt` if its score is the lowest.

    `monitor` is a score of validation, lower is better; None keeps no best. The former last stays as `previous.ckpt`,
    for the day when the last turns out to be damaged. `start` is the checkpoint that the run goes on from.

    A best from before step `since` does not count: it was measured by something else than `measured_by`.
    """

    def __init__(self, folder: Path, monitor: str | None, start: Path | None = None) -> None:
        self.folder, self.monitor, self.start = folder, monitor, start
        self.measured_by: dict[str, Any] = {}
        self.since = 0
        self.best_score, self.best_step = math.inf, 0
        self._saved_step = -1

    def go_back(self) -> None:
        """Put the checkpoint that the run goes on from in the place of the last, whatever that was.

        Before anything of the run is cut off after its step: a run that is killed from here on goes on from there.
        """
        last = self.folder / checkpoints.LAST
        if self.start is not None and not (last.exists() and last.samefile(self.start)):
            _link(self.start, last)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Bring `best.ckpt` into line with the checkpoint that the run goes on from.

        Where that one is the best, but the run ended before it was called so, it is now. A best that does not count any
        more is forgotten, and so is one whose name has since gone to a later checkpoint, which the run leaves behind.
        """
        kept, best = checkpoint["callbacks"].get(self.state_key), self.folder / checkpoints.BEST
        if self.start is None or kept is None:
            return
        if kept["best_step"] < self.since:
            kept.update(self.state_dict())
        elif kept["best_step"] == checkpoint["global_step"]:
            if trainer.is_global_zero:
                _link(self.start, best)
        elif not _is_of(best, kept["best_step"]):
            kept.update(self.state_dict())

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        score = self._score(trainer)
        improved = score < self.best_score
        if improved:
            self.best_score, self.best_step = score, trainer.global_step
        self.save(trainer)
        if improved and trainer.is_global_zero:
            _link(self.folder / checkpoints.LAST, self.folder / checkpoints.BEST)
        self._hand_on(trainer, score if self.monitor else None, ("last", "best") if improved else ("last",))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._saved_step != trainer.global_step:
            self.save(trainer)
            self._hand_on(trainer, None, ("last",))

    def save(self, trainer: Trainer) -> None:
        last = self.folder / checkpoints.LAST
        if trainer.is_global_zero and last.exists():
            _link(last, self.folder / checkpoints.PREVIOUS)
        trainer.save_checkpoint(last)
        self._saved_step = trainer.global_step

    def _hand_on(self, trainer: Trainer, score: float | None, aliases: tuple[str, ...]) -> None:
        """To the loggers that keep checkpoints. Not what is saved on a signal: whoever stops a run does not wait."""
        log_checkpoint(trainer.loggers, self.folder / checkpoints.LAST, trainer.global_step, score, aliases)

    def state_dict(self) -> dict[str, Any]:
        return {
            "best_score": self.best_score,
            "best_step": self.best_step,
            "measured_by": self.measured_by,
            "since": self.since,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """What it is measured by is this run's own, and has been compared with the checkpoint's."""
        self.best_score, self.best_step = state_dict["best_score"], state_dict["best_step"]

    def _score(self, trainer: Trainer) -> float:
        return float(trainer.callback_metrics[self.monitor]) if self.monitor else math.inf


def _is_of(path: Path, step: int) -> bool:
    try:
        return bool(checkpoints.read(path)["global_step"] == step)
    except UserError:  # there is none, or it is damaged
        return False


def _link(source: Path, name: Path) -> None:
    """Give `source` a second name, without a second copy where the file system allows."""
    with replacing(name) as partial:
        partial.unlink()
        try:
            os.link(source, partial)
        except OSError:  # a file system without hard links
            partial.write_bytes(source.read_bytes())
