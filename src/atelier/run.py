"""From a config to a trained run folder, and back from a run folder to its task."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from math import inf
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from pytorch_lightning import LightningModule
from pytorch_lightning.callbacks import Callback

from atelier import checkpoints, run_folder
from atelier.config import build, check
from atelier.data.loaders import has_lost_worker
from atelier.distributed import external
from atelier.distributed.launcher import launch
from atelier.errors import Interrupted, LostProcesses, RunError
from atelier.fitting import Fitting, refuse_other_model
from atelier.locks import occupied
from atelier.processes import has_lost_others
from atelier.record.loggers import close
from atelier.record.summary import summary
from atelier.signals import Signals

ECHO = 2.0
"""Seconds: who signals a whole group of processes reaches each of them twice, once through the launcher."""


def fit(cfg: DictConfig, path: Path, choices: Mapping[str, str], callbacks: Sequence[Callback] = ()) -> float:
    """Train what `cfg` describes into the run folder `path`. Returns the best score, infinite where none was made.

    `choices` are the names of the config groups' options, for the record; `callbacks` act beside the config's own.
    Raises UserError, RunError and Interrupted; whatever it raises, `run.json` says how the run ended, the loggers are
    closed, and what was in the folder before is still good to go on from.
    """
    with Signals(aloud=external.is_first()) as signals, _occupied(path):
        fitting = Fitting(cfg, path, signals, callbacks)
        if fitting.needs_processes and callbacks:
            raise ValueError("callbacks cannot be given to other processes: name them in the config")
        fitting.begin(choices)
        work = Processes(fitting, signals) if fitting.needs_processes else fitting
        try:
            _carry_out(work)
        finally:
            if fitting.run.record.get("status") in ("finished", "interrupted"):
                summary(path, fitting.best.monitor)
    return work.best_score


def _occupied(path: Path) -> AbstractContextManager[None]:
    """Two that write into one run folder spoil its record and its checkpoints; replicas are in that of the first."""
    refusal = f"run_dir: another process trains in {path}; wait until it has ended, or name another folder"
    return occupied(path, refusal) if external.is_first() else nullcontext()


def go_on(path: Path) -> None:
    """Train what was begun in the run folder `path`, as one of several processes that another one waits for."""
    cfg = OmegaConf.load(path / run_folder.RECIPE)
    assert isinstance(cfg, DictConfig)
    with Signals([signal.SIGTERM], echo=ECHO) as signals:
        fitting = Fitting(cfg, path, signals, ())
        fitting.run.go_on()
        _carry_out(fitting)


def _carry_out(work: "Fitting | Processes") -> None:
    """Whatever ends it, its run folder says so, and its loggers are closed."""
    status = "failed"
    try:
        work.train()
        status = "finished"
        work.end(status)
    except BaseException as error:  # bugs and signals too: noted here, and raised again for the launcher to tell
        if has_lost_others(error):
            error = LostProcesses(f"another process has ended: {str(error).strip()}")
        if has_lost_worker(error):
            error = RunError(f"{str(error).strip()} Was there too little memory? data.num_workers can be lowered")
        status = "interrupted" if isinstance(error, Interrupted) else "failed"
        with suppress(OSError):  # a full disk: the error itself is what one wants to hear of
            work.end(status, str(error) or type(error).__name__)
        raise error
    finally:
        close(work.loggers, failed=status != "finished")


Loaded = tuple[LightningModule, DictConfig, dict[str, Any]]
"""A run's task, its config, and its checkpoint's content."""


def load(run: Path, checkpoint: Path | None = None, encoder_weights: Path | None = None) -> Loaded:
    """The trained task of a run folder, ready to use; its config; and the checkpoint's content.

    Without a `checkpoint` it is the best, or else the last. `encoder_weights` are where the encoder's file is now, from
    which a decoder may have come, too. Raises UserError for what is no run folder or has none.
    """
    cfg = run_folder.config(run)
    if encoder_weights and cfg.get("encoder"):
        for node in [*_readers_of(cfg.encoder, cfg)]:  # each has its own, for a run's config is resolved
            node.weights = str(encoder_weights)
    check(cfg, rehearsed=())  # the program may have changed since
    path = checkpoint or checkpoints.find(run, (checkpoints.BEST, checkpoints.LAST, checkpoints.PREVIOUS))
    content = checkpoints.read(path)
    task: LightningModule = build(cfg.model, "model")
    refuse_other_model(task, content, path)
    task.load_state_dict(content["state_dict"])
    return task.eval(), cfg, content


def _readers_of(encoder: DictConfig, node: Any) -> Iterator[DictConfig]:
    """The encoder, and what else is built from its file, at any depth."""
    if isinstance(node, DictConfig):
        file = node.get("weights")
        if node.get("_target_") == encoder._target_ or (file is not None and file == encoder.get("weights")):
            yield node
    if isinstance(node, DictConfig | ListConfig):
        for part in [*node.values()] if isinstance(node, DictConfig) else [*node]:
            yield from _readers_of(encoder, part)


class Processes:
    """A fitting that several processes carry out while this one waits."""

    def __init__(self, fitting: Fitting, signals: Signals) -> None:
        self.run, self.loggers, self.count = fitting.run, fitting.loggers, fitting.trainer.world_size
        self.signals = signals

    def train(self) -> None:
        launch(go_on, self.run.path, self.count, self.signals)
        self.run.go_on()
        if self.run.record["status"] != "finished":
            raise Interrupted(self.run.record.get("reason") or "stopped before training began")

    def end(self, status: str, reason: str | None = None) -> None:
        """What the first of them wrote stands, but for the reason: it may have ended before the one that failed."""
        self.run.go_on()
        self.run.note(status=status, reason=reason)

    @property
    def best_score(self) -> float:
        best = self.run.record.get("best")
        return inf if best is None else best
