"""One run, from the parts that its config names to the last of its steps."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from math import isfinite
from pathlib import Path
from typing import Any

import pytorch_lightning
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers.logger import Logger
from torch.autograd import set_multithreading_enabled

from atelier import checkpoints, labels, run_folder
from atelier.callbacks.checkpoints import Checkpoints
from atelier.callbacks.choices import refuse_misfit, scoring_of
from atelier.callbacks.finish import ValidateLastStep
from atelier.callbacks.hyperparameters import Hyperparameters
from atelier.callbacks.interrupt import Interrupt
from atelier.callbacks.protocols import Painter, Sampler, Translator
from atelier.callbacks.record import Record
from atelier.callbacks.reseed import Reseed
from atelier.callbacks.scoring import Scoring
from atelier.callbacks.time_limit import TimeLimit
from atelier.config import build
from atelier.data.degraded import Degraded
from atelier.data.endless import EndlessData
from atelier.distributed import external
from atelier.errors import UserError
from atelier.former_best import FormerBest
from atelier.limits import (
    launched,
    refuse_no_validation,
    refuse_other_optimisation,
    refuse_pictures_of_points,
    refuse_unshared,
    refuse_unsupported,
)
from atelier.misfits import refuse_unfit
from atelier.networks.batch_norm import synchronize
from atelier.networks.compilation import compile_networks
from atelier.record.csv import CsvRecord
from atelier.record.summary import Makes
from atelier.run_folder import RunFolder, WatchedFolder
from atelier.signals import Signals
from atelier.sweeps import job

log = logging.getLogger(__name__)


class Fitting:
    """The parts of one run, built before a word is written: what is refused leaves no run behind.

    Decoding comes before the task, whose networks need to know how many classes there are; `check` has tried the task
    before.
    """

    def __init__(self, cfg: DictConfig, path: Path, signals: Signals, callbacks: Sequence[Callback]) -> None:
        _quieten_lightning()
        refuse_unsupported(cfg)
        pytorch_lightning.seed_everything(cfg.seed, workers=True, verbose=False)
        self.run = RunFolder(path) if external.is_first() else WatchedFolder(path)
        self.start = _checkpoint(Path(cfg.resume)) if cfg.resume else None
        self.former = run_folder.facts(path) if self.start else {}
        self.scoring = scoring_of(build(cfg.metrics, "metrics"), cfg.seed) if cfg.metrics else None
        self.data = _prepared_data(cfg)
        labels.refuse_others(self.data.classes, self.former.get("classes"))
        self.cfg = labels.settle(cfg, self.data)
        self.task = _task(self.cfg, self.data, self.scoring)
        self.step, self.former_best = self._started_from()
        self.loggers = self._loggers()
        self.monitor: str | None = self.scoring.monitor if self.scoring else getattr(self.task, "monitor", None)
        best_by = f"val/{self.monitor}" if self.monitor else None
        self.best = Checkpoints(path / checkpoints.FOLDER, best_by, self.start)
        limit = self.cfg.trainer.get("max_time")
        self.time_limit = TimeLimit(limit) if limit else None
        self.trainer = self._trainer([*callbacks, self.best, Interrupt(signals, self.best)])
        self._share()

    @property
    def needs_processes(self) -> bool:
        """Whether several are to train, and nobody has started them yet."""
        return self.trainer.world_size > 1 and not launched(self.trainer)

    @property
    def best_score(self) -> float:
        return self.best.best_score

    def begin(self, choices: Mapping[str, str]) -> None:
        processes = before = self.trainer.world_size
        if self.start is None:
            self.run.refuse_another_run()
        else:
            before = self.former.get("processes", 1)
            if external.is_first():
                self.best.go_back()
        self.run.begin(self.cfg, choices, self.step, processes)
        if before != processes:
            log.warning(
                "resume: %s processes go on where %s had been: weights, averages, optimisers and the order of the "
                "pictures are the same, but each process draws latents and augmentations of its own",
                processes,
                before,
            )

    def train(self) -> None:
        self.run.note(classes=list(self.data.classes), pictures=self.data.pictures, makes=_makes(self.task, self.data))
        for logger in self.loggers:
            logger.log_hyperparams(OmegaConf.to_container(self.cfg, resolve=True))  # type: ignore[arg-type]  # its keys are strings
        card = self._prepare(self.scoring) if self.scoring else None
        self.former_best.hand_on(self.best, self.monitor, card or {}, self.data.fingerprint)
        self.run.note(data=self.data.fingerprint, monitor=self.monitor, card=card, card_since=self.best.since)
        start = str(self.start) if self.start else None
        with _orderly_sums():
            self.trainer.fit(self.task, datamodule=self.data, ckpt_path=start, weights_only=True)

    def end(self, status: str, reason: str | None = None) -> None:
        best = self.best_score if isfinite(self.best_score) else None
        steps = self.trainer.global_step
        out_of_time = bool(self.time_limit and self.time_limit.is_over and steps != self.trainer.max_steps)
        self.run.note(status=status, reason=reason, steps=steps, best=best, out_of_time=out_of_time)

    def _prepare(self, scoring: Scoring) -> dict[str, Any]:
        """What takes minutes the first time; then it is known how the scores are made."""
        scoring.prepare(self.data, self.trainer.strategy.root_device)
        return scoring.card()

    def _started_from(self) -> tuple[int | None, FormerBest]:
        """The step that the run goes on from, and what is known of the best until then."""
        if self.start is None:
            return None, FormerBest(None, self.former)
        content = checkpoints.read(self.start)
        refuse_other_model(self.task, content, self.start)
        return content["global_step"], FormerBest(content, self.former)

    def _trainer(self, last: Sequence[Callback]) -> Trainer:
        """The trainer, whose `last` callbacks act after the run's own."""
        return build(
            self.cfg.trainer,
            "trainer",
            callbacks=[*self._callbacks(), *last],
            logger=self.loggers,
            plugins=[checkpoints.WholeCheckpoints()],
            default_root_dir=str(self.run.path),
        )

    def _share(self) -> None:
        """Raises UserError where the trainer has several processes and they cannot share the work."""
        count, processes = self.scoring.count if self.scoring else None, self.trainer.world_size
        if count is not None and count < processes:
            raise UserError(f"metrics.count: {count} images are too few for {processes} processes")
        refuse_unshared(self.trainer, self.data)
        if self.trainer.world_size > 1:
            synchronize(self.task)

    def _callbacks(self) -> list[Callback]:
        """In the order in which they must act: scores before the checkpoint that they choose, interruption last."""
        scoring = [self.scoring] if self.scoring else []
        health = [build(self.cfg.health, "health")] if self.cfg.health else []
        chosen = [build(node, f"callbacks.{name}") for name, node in self.cfg.callbacks.items() if node]
        always = [Hyperparameters(), Reseed(self.cfg.seed), Record(), ValidateLastStep()]
        timed = [self.time_limit] if self.time_limit else []  # in place of Lightning's own
        cluster = [*job.callbacks(self.run.path), *external.callbacks(self.step)]
        return [*always, *timed, *scoring, *chosen, *health, *cluster]

    def _loggers(self) -> list[Logger]:
        chosen = [build(node, f"logger.{name}") for name, node in self.cfg.logger.items() if node]
        path, step = self.run.path, self.step
        return [CsvRecord(path, step), *(make(folder=path, resume_step=step) for make in chosen)]


def _prepared_data(cfg: DictConfig) -> EndlessData:
    """The data, decoded: what else the run needs is seen to before, for decoding may take hours."""
    data: EndlessData = build(cfg.data, "data")
    refuse_pictures_of_points(cfg, data)
    _fetch(cfg)
    data.prepare()
    return data


def _task(cfg: DictConfig, data: EndlessData, scoring: Scoring | None) -> LightningModule:
    """The task, which fits the data and the scores, and is compiled where the config says so."""
    task: LightningModule = build(cfg.model, "model")
    if scoring:
        refuse_misfit(scoring, task, data)
        scoring.refuse_unfit(data)
    refuse_unfit(cfg, task, data)
    refuse_other_optimisation(cfg, task)
    refuse_no_validation(cfg, data)
    if cfg.get("compile"):  # runs begun before there was one have none
        _compile(task)
    return task


def _makes(task: LightningModule, data: EndlessData) -> Makes:
    """What its run folder can be asked for."""
    if isinstance(task, Sampler):
        return "samples"
    if isinstance(task, Painter):
        return "picture"
    if isinstance(task, Translator):
        return "whole pictures" if isinstance(data, Degraded) else "translations"
    return "learned styles" if hasattr(task, "learned_styles") else "any style"


def _checkpoint(resume: Path) -> Path:
    return resume if resume.suffix == ".ckpt" else checkpoints.find(resume)


def refuse_other_model(task: LightningModule, checkpoint: dict[str, Any], path: Path) -> None:
    ours, theirs = task.state_dict(), checkpoint["state_dict"]
    odd = [name for name in ours if name not in theirs or ours[name].shape != theirs[name].shape]
    odd += [name for name in theirs if name not in ours]
    if odd:
        raise UserError(f"{path} is of another model than the config's: {len(odd)} weights differ, {odd[0]} the first")


def _fetch(cfg: DictConfig) -> None:
    """See that the weights which the run looks through are at hand. Raises UserError where they cannot be had."""
    for key in ("metrics", "encoder"):
        if node := cfg.get(key):  # runs begun before there were encoders name none
            build(node, key).fetch()


def _compile(task: Any) -> None:
    if hasattr(task, "compilable"):
        compile_networks(task.compilable())
    else:
        log.warning("compile: goes on without, for none of a %s's networks can be", type(task).__name__)


def _orderly_sums() -> AbstractContextManager[Any]:
    """Where torch is to be deterministic, gradients are added up in one order, on a GPU too.

    A tensor that is used in several places has its slopes added in the order in which those were recorded, by a number
    that each thread counts for itself. torch goes backwards over what is on a GPU in a thread of its own, which so
    records the slopes of a penalty on slopes: whether before or after the rest, depends on what both have done so far.
    """
    return set_multithreading_enabled(not torch.are_deterministic_algorithms_enabled())


def _quieten_lightning() -> None:
    """What it says, the progress bar and the summary say better; three of its warnings are no faults here."""
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "The `srun` command is available")  # one may well train beside a cluster
    warnings.filterwarnings("ignore", "It is recommended to use `self.log")  # scores are the same on all processes
    warnings.filterwarnings("ignore", "Found .* in eval mode at the start of training")  # the averaged generator
    warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.", FutureWarning)
