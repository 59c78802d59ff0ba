"""Weights & Biases: with an account or without, with a network or without, the run goes on."""

import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import wandb
from lightning_fabric.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from atelier.errors import UserError
from atelier.files import replacing
from atelier.record.grids import Pixels
from atelier.record.loggers import RunLogger

log = logging.getLogger(__name__)

Mode = Literal["auto", "online", "offline", "disabled"]

QUIET: dict[str, Any] = {"silent": True, "console": "off"}

PATIENCE: dict[str, Any] = {"init_timeout": 20.0, "finish_timeout": 60.0}
"""Seconds to wait for the server. wandb's own are 90 and for ever; what is not uploaded stays on the disk."""


class WandbRecord(RunLogger):
    """Config, curves and pictures. W&B's own step is the training's, so that all of them share it.

    `auto` is `$WANDB_MODE`, or else online where an account is configured and offline where none is. A server
    that cannot be reached makes the run offline. A resumed run continues the W&B run of its folder.
    """

    def __init__(
        self,
        folder: Path,
        resume_step: int | None = None,
        project: str = "atelier",
        entity: str | None = None,
        group: str | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        mode: Mode = "auto",
    ) -> None:
        super().__init__()
        if mode not in get_args(Mode):
            raise ValueError(f"mode must be one of {list(get_args(Mode))}, got {mode!r}")
        self.folder = Path(folder).absolute()
        self.mode = mode
        self._name = name or "/".join(self.folder.parts[-2:])
        self._resumed = resume_step is not None
        self._about: dict[str, Any] = {
            "project": project,
            "entity": entity,
            "group": group,
            "tags": list(tags),
        }
        self._run: Any = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str | None:
        """The id of the W&B run; None before it has begun."""
        return self._run.id if self._run else None

    @property
    def save_dir(self) -> str:
        return str(self.folder)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The `wandb.Run`, begun when it is first asked for."""
        if self._run is None:
            self._run = self._begin()
        return self._run

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        # A resumed run may change its config: trainer.max_steps at least.
        self.experiment.config.update(dict(params), allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add to the row of `step`. W&B ignores steps it has: a resumed run leaves no doubles."""
        self.experiment.log(dict(metrics), step=step)

    @rank_zero_only
    def log_image(self, key: str, pixels: Pixels, step: int) -> None:
        self.experiment.log({key: wandb.Image(pixels)}, step=step)

    @rank_zero_only
    def close(self, failed: bool) -> None:
        if self._run is not None:
            self._run.finish(exit_code=int(failed))

    def _begin(self) -> Any:
        wandb.setup(wandb.Settings(**QUIET))
        identity = self._identity()
        mode = self.mode if self.mode != "auto" else os.environ.get("WANDB_MODE", "auto")
        if mode == "disabled":
            return self._start("disabled", identity)
        if mode == "offline":
            return self._start("offline", identity)
        try:
            if wandb.login(prompt=False, verify=False):
                run = self._start("online", identity)
                log.info("W&B: %s", run.url)
                return run
            if mode == "online":
                raise UserError("logger.wandb.mode: online needs an account: `wandb login`, or take mode=auto")
            reason = "no account is configured"
        except wandb.errors.Error as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            wandb.teardown()  # its service would not let the identity be used again
        run = self._start("offline", identity)
        log.warning("W&B is offline: %s. To send the run later: wandb sync %s", reason, run.settings.sync_dir)
        return run

    def _start(self, mode: Literal["online", "offline", "disabled"], identity: str) -> Any:
        return wandb.init(
            **self._about,
            name=self._name,
            id=identity,
            resume="allow" if mode == "online" else None,  # offline, the identity says it all
            dir=self.folder,
            mode=mode,
            reinit="create_new",  # two runs of one process never merge
            settings=wandb.Settings(**QUIET, **PATIENCE),
        )

    def _identity(self) -> str:
        """Kept in the run folder, so that it survives an interruption and moves with it."""
        path = self.folder / "wandb" / "id"
        if not (self._resumed and path.exists()):
            with replacing(path) as partial:
                partial.write_text(uuid.uuid4().hex[:8])
        return path.read_text()
