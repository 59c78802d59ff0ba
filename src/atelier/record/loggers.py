"""What concerns every logger of a run, whatever its kind."""

from collections.abc import Iterable

from pytorch_lightning.loggers.logger import Logger

from atelier.record.grids import Pixels


class RunLogger(Logger):
    """A logger that may show pictures, and that is told how the run ended.

    Built with the run's folder, and with the step it goes on from (None: from the beginning). Lightning calls
    `finalize` whenever a fit ends; `close` comes once, at the end of all.
    """

    def log_image(self, key: str, pixels: Pixels, step: int) -> None:
        """Show a picture, uint8 (H, W, 3). A logger of numbers has no place for it."""

    def close(self, failed: bool) -> None:
        """Write what is still to be written. Nothing is logged after this."""


def log_image(loggers: Iterable[Logger], key: str, pixels: Pixels, step: int) -> None:
    """Show a picture, uint8 (H, W, 3), wherever pictures are shown."""
    for logger in loggers:
        if isinstance(logger, RunLogger):
            logger.log_image(key, pixels, step)


def close(loggers: Iterable[Logger], failed: bool) -> None:
    """Close every logger of ours. Safe to call twice, and on a logger that has logged nothing."""
    for logger in loggers:
        if isinstance(logger, RunLogger):
            logger.close(failed)
