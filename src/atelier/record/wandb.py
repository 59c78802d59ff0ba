"""Weights & Biases: with an account or without, with a network or without, the run goes on."""

import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import wandb
from lightning_fabric.loggers.logger import rank_zero_experiment
from PIL import Image
from pytorch_lightning.utilities import rank_zero_only

from atelier import run_folder
from atelier.errors import UserError
from atelier.files import replacing
from atelier.record import wandb_facts, wandb_log
from atelier.record.grids import Pixels
from atelier.record.loggers import RunLogger
from atelier.record.wandb_models import Choice, Models

log = logging.getLogger(__name__)

Mode = Literal["auto", "online", "offline", "disabled"]

QUIET: dict[str, Any] = {"silent": True, "console": "off"}

FLUSHED: dict[str, Any] = {"x_transaction_log_flush_interval": 2.0}
"""Seconds of rows that a kill may take from W&B's file; its own are 15."""

PATIENCE: dict[str, Any] = {"init_timeout": 20.0, "finish_timeout": 60.0}
"""Seconds to wait for the server. wandb's own are 90 and for ever; what is not uploaded stays on the disk."""

LONGEST_NAME = 128
"""Characters of a run's name that W&B takes."""

LARGEST = 2048
"""Pixels along a picture's longer side, as W&B gets it; the run folder has it whole."""


class WandbRecord(RunLogger):
    """Config, curves, pictures and, by choice, checkpoints. W&B's own step is the training's: all of them share it.

    `auto` is `$WANDB_MODE`, or else online where an account is configured and offline where none is. A server
    that cannot be reached makes the run offline. A resumed run continues the W&B run of its folder: rows that W&B has
    are not logged again, and those that it should have but lost are taken from `metrics.csv`.
    A `group` of None is the sweep that the run is part of; `tags` of None are its model, data and loss.
    """

    def __init__(
        self,
        folder: Path,
        resume_step: int | None = None,
        project: str = "atelier",
        entity: str | None = None,
        group: str | None = None,
        job_type: str = "train",
        name: str | None = None,
        tags: Sequence[str] | None = None,
        mode: Mode = "auto",
        checkpoints: Choice = "none",
    ) -> None:
        super().__init__()
        if mode not in get_args(Mode):
            raise ValueError(f"mode must be one of {list(get_args(Mode))}, got {mode!r}")
        self.folder = Path(folder).absolute()
        self.mode = mode
        self._name = name or _shortened(run_folder.title(self.folder))
        self._resume_step = resume_step
        self._about: dict[str, Any] = {"project": project, "entity": entity, "job_type": job_type}
        self._group, self._tags = group, tags
        self._models = Models(checkpoints)
        self._run: Any = None
        self._known_step = -1  # the last one that W&B has from before

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
            self._catch_up(self._run)
        return self._run

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        # A resumed run may change its config: trainer.max_steps at least.
        self.experiment.config.update(wandb_facts.config(self.folder, params), allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add to the row of `step`, unless W&B has it from before the run was interrupted."""
        run = self.experiment
        if step is None or step > self._known_step:
            run.log(dict(metrics), step=step)

    @rank_zero_only
    def log_image(self, key: str, pixels: Pixels, step: int) -> None:
        run = self.experiment
        if step <= self._known_step:
            return
        picture = Image.fromarray(pixels)
        picture.thumbnail((LARGEST, LARGEST))
        seed = run_folder.facts(self.folder).get("seed")
        caption = f"step {step}" if seed is None else f"step {step}, seed {seed}"
        run.log({key: wandb.Image(picture, caption=caption)}, step=step)

    @rank_zero_only
    def log_checkpoint(self, path: Path, step: int, score: float | None, aliases: Sequence[str]) -> None:
        self._models.log(self.experiment, self.folder, path, step, score, aliases)

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
        goes_on = self._resume_step is not None
        # Looked up before the new run's own file is among the others. Online, the server knows.
        former = wandb_log.last_step(self.folder, identity) if goes_on and mode == "offline" else -1
        run = wandb.init(
            **self._about,
            group=self._group or wandb_facts.sweep(self.folder),
            tags=wandb_facts.tags(self.folder) if self._tags is None else list(self._tags),
            name=self._name,
            id=identity,
            resume="allow" if mode == "online" else None,  # offline, the identity says it all
            dir=self.folder,
            mode=mode,
            reinit="create_new",  # two runs of one process never merge
            settings=wandb.Settings(**QUIET, **PATIENCE, **FLUSHED),
        )
        self._known_step = run.starting_step - 1 if mode == "online" else former
        return run

    def _catch_up(self, run: Any) -> None:
        """Log what W&B has missed of a run that goes on."""
        if self._resume_step is None:
            return
        for row in wandb_log.missed(self.folder, self._known_step, self._resume_step):
            step = int(row.pop("step"))
            run.log(row, step=step)

    def _identity(self) -> str:
        """Kept in the run folder, so that it survives an interruption and moves with it.

        An agent of a W&B sweep chooses it before the run begins.
        """
        path = self.folder / "wandb" / "id"
        if self._resume_step is None or not path.exists():
            given = os.environ.get("WANDB_RUN_ID") if "WANDB_SWEEP_ID" in os.environ else None
            with replacing(path) as partial:
                partial.write_text(given or uuid.uuid4().hex[:8])
        return path.read_text()


def _shortened(name: str) -> str:
    """Its end, where a sweep's folders tell themselves apart."""
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"
