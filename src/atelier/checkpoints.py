"""Checkpoint files: written whole or not at all, read without running code."""

from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from atelier import run_folder
from atelier.errors import RunError, UserError
from atelier.files import replacing

FOLDER = run_folder.CHECKPOINTS
LAST, PREVIOUS, BEST = run_folder.LAST, run_folder.PREVIOUS, run_folder.BEST


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's files, but written beside and renamed."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Raises RunError where the disk refuses; the file that was there before is then still there, whole."""
        try:
            with replacing(Path(path)) as partial, partial.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            trouble = _disk_trouble(error)
            if trouble is None:
                raise
            raise RunError(f"cannot write the checkpoint {path}: {trouble.strerror}") from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read(Path(path), map_location or "cpu")  # not where it was: another device, or another process's


def read(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """The checkpoint's content; tensors and plain values only, so that a stranger's file cannot run code.

    Raises UserError for a file that is missing, damaged or holds anything else; but what is wrong with the machine, as
    too little memory, comes as it was raised.
    """
    if not path.is_file():
        raise UserError(f"no checkpoint {path}{_instead(path)}")
    try:
        content = torch.load(path, map_location=map_location, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # zip, pickle and torch each have their own for a damaged file, and advice with it
        system = error.strerror if isinstance(error, OSError) else None
        reason = system or "it is damaged, or none of this program"
        raise UserError(f"the checkpoint {path} cannot be read: {reason}{_instead(path)}") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise UserError(f"{path} is no checkpoint of this program{_instead(path)}")
    return content


def find(run: Path, names: tuple[str, ...] = (LAST, PREVIOUS, BEST)) -> Path:
    """The first of `names` that the run folder has. Raises UserError where there is none."""
    for name in names:
        if (path := run / FOLDER / name).is_file():
            return path
    raise UserError(f"{run} has no checkpoint yet: the run ended before its first validation")


def _disk_trouble(error: BaseException | None) -> OSError | None:
    """What the disk said: torch's zip writer, in giving up, buries it under a RuntimeError."""
    while error is not None and not isinstance(error, OSError):
        error = error.__context__
    return error


def _instead(path: Path) -> str:
    others = [path.with_name(name) for name in (LAST, PREVIOUS, BEST) if path.with_name(name).is_file()]
    others = [other for other in others if other != path]
    return f"; there is also {' and '.join(map(str, others))}" if others else ""
