"""What a run has learned to make of pictures."""

from pathlib import Path
from typing import Any

from atelier import run as runs
from atelier.cli.devices import device
from atelier.cli.digests import DIGEST, digest
from atelier.errors import UserError
from atelier.run_folder import title
from atelier.tasks.paired import TO_TARGET
from atelier.tasks.translation import TranslationTask
from atelier.wording import did_you_mean, listed


class Learned:
    """What a run has learned to make of pictures, direction by direction, on a GPU where there is one.

    Raises UserError for what is no run folder, or a run that translates nothing.
    """

    def __init__(self, run: Path, checkpoint: Path | None = None) -> None:
        task, _, content = runs.load(run, checkpoint)
        self.run = run
        if not isinstance(task, TranslationTask):
            raise UserError(f"RUN: {run} is a run of {type(task).__name__}, which makes no picture of another")
        self.networks = task.to(device()).translators
        weights = digest(self.networks.values())
        self.origin: dict[str, Any] = {"run": title(run), "step": content["global_step"], DIGEST: weights}

    def direction(self, wanted: str | None) -> str:
        """The first where none is wanted."""
        if wanted is not None and wanted not in self.networks:
            raise UserError(
                f"--direction: must be one of {listed(self.networks)}, got {wanted!r}"
                f"{did_you_mean(wanted, self.networks)}"
            )
        return wanted or next(iter(self.networks))

    def refuse_unpaired(self) -> None:
        if TO_TARGET not in self.networks:
            raise UserError(
                f"RUN: {self.run} has seen no pairs of damaged pictures and whole ones; it translates "
                f"{listed(self.networks)}: atelier translate {self.run} …"
            )
