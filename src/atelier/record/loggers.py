"""What concerns every logger of a run, whatever its kind."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pytorch_lightning.loggers.logger import Logger

from atelier.record.grids import Pixels


class RunLogger(Logger):
    """A logger that may show pictures and keep checkpoints, and that is told how the run ended.

    Built with the run's folder, and with the step it goes on from (None: from the beginning). Lightning calls
    `finalize` whenever a fit ends; `close` comes once, at the end of all.
    """

    def log_image(self, key: str, pixels: Pixels, step: int) -> None:
        """Show a picture, uint8 (H, W, 3). A logger of numbers has no place for it."""

    def log_checkpoint(self, path: Path, step: int, score: float | None, aliases: Sequence[str]) -> None:
        """Keep a checkpoint beyond the run folder. Most loggers leave that to the folder.

        The file is whole, and it may be replaced by another one under its name, but never written into. `score` is the
        monitored one of this step (lower is better), None where there is none; `aliases` are among `best` and `last`.
        """

    def close(self, failed: bool) -> None:
        """Write what is still to be written. Nothing is logged after this."""


def log_image(loggers: Iterable[Logger], key: str, pixels: Pixels, step: int) -> None:
    """Show a picture, uint8 (H, W, 3), wherever pictures are shown."""
    for logger in _ours(loggers):
        logger.log_image(key, pixels, step)


def log_checkpoint(
    loggers: Iterable[Logger], path: Path, step: int, score: float | None, aliases: Sequence[str]
) -> None:
    """Keep a whole checkpoint wherever checkpoints are kept."""
    for logger in _ours(loggers):
        logger.log_checkpoint(path, step, score, aliases)


def close(loggers: Iterable[Logger], failed: bool) -> None:
    """Close every logger of ours. Safe to call twice, and on a logger that has logged nothing."""
    for logger in _ours(loggers):
        logger.close(failed)


def _ours(loggers: Iterable[Logger]) -> Iterable[RunLogger]:
    return (logger for logger in loggers if isinstance(logger, RunLogger))
