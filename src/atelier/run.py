"""From a config to a trained run folder, and back from a run folder to its task."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers.logger import Logger

from atelier import checkpoints, folder
from atelier.callbacks.checkpoints import Checkpoints
from atelier.callbacks.interrupt import Interrupt
from atelier.callbacks.record import Record
from atelier.callbacks.reseed import Reseed
from atelier.callbacks.scores import ScoreSamples
from atelier.config import build
from atelier.errors import Interrupted, UserError
from atelier.folder import RunFolder
from atelier.metrics.scores import Scores
from atelier.record.csv import CsvRecord
from atelier.record.loggers import close
from atelier.record.summary import summary


def fit(cfg: DictConfig, path: Path, choices: Mapping[str, str]) -> float:
    """Train what `cfg` describes into the run folder `path`. Returns the best score, infinite where none was made.

    `choices` are the names of the config groups' options, for the record. Raises UserError, RunError and Interrupted;
    whatever it raises, `run.json` says how the run ended and the loggers are closed.
    """
    _quieten_lightning()
    start = _start(cfg)
    run = RunFolder(path)
    run.begin(cfg, {group: option for group, option in choices.items() if "/" not in group}, start["global_step"] if start else None)
    loggers: list[Logger] = []
    try:
        trainer = _train(cfg, run, loggers, start)
    except BaseException as error:
        stopped = isinstance(error, Interrupted | KeyboardInterrupt)
        run.note(status="interrupted" if stopped else "failed", reason=str(error) or type(error).__name__)
        close(loggers, failed=True)
        raise
    best = next(callback for callback in trainer.callbacks if isinstance(callback, Checkpoints))
    run.note(status="finished", steps=trainer.global_step)
    close(loggers, failed=False)
    summary(path)
    return best.best_score


def _train(cfg: DictConfig, run: RunFolder, loggers: list[Logger], start: dict[str, Any] | None) -> Trainer:
    pytorch_lightning.seed_everything(cfg.seed, workers=True, verbose=False)
    scores: Scores | None = build(cfg.get("metrics"), "metrics")
    if scores:
        scores.fetch()  # before hours of decoding
    data: LightningDataModule = build(cfg.data, "data")
    data.prepare()  # type: ignore[attr-defined]
    run.note(data=data.fingerprint)  # type: ignore[attr-defined]
    task: LightningModule = build(cfg.model, "model")
    if start:
        _refuse_other_model(task, start, cfg.resume)
    loggers += _loggers(cfg, run.path, start["global_step"] if start else None)
    trainer: Trainer = build(
        cfg.trainer,
        "trainer",
        callbacks=_callbacks(cfg, run.path, scores),
        logger=loggers,
        plugins=[checkpoints.WholeCheckpoints()],
        default_root_dir=str(run.path),
    )
    for logger in loggers:
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    resume = str(_checkpoint(Path(cfg.resume))) if start else None
    trainer.fit(task, datamodule=data, ckpt_path=resume, weights_only=True)
    if scores:
        run.note(card=scores.card())
    return trainer


def _quieten_lightning() -> None:
    """What it says about devices and stops, the progress bar and the summary say better; two warnings are no faults here."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "Found .* in eval mode at the start of training")  # the averaged generator
    warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.", FutureWarning)


def _callbacks(cfg: DictConfig, path: Path, scores: Scores | None) -> list[Callback]:
    """In the order in which they must act: scores before the checkpoint that they choose, interruption last."""
    keep = Checkpoints(path / checkpoints.FOLDER, f"val/{scores.frechet}" if scores else None)
    scoring = [ScoreSamples(scores, cfg.seed)] if scores else []
    chosen = [build(node, f"callbacks.{name}") for name, node in (cfg.get("callbacks") or {}).items()]
    return [Reseed(cfg.seed), Record(), *scoring, *chosen, keep, Interrupt(keep)]


def _loggers(cfg: DictConfig, path: Path, resume_step: int | None) -> list[Logger]:
    chosen = [build(node, f"logger.{name}") for name, node in (cfg.get("logger") or {}).items()]
    return [CsvRecord(path, resume_step), *(make(folder=path, resume_step=resume_step) for make in chosen)]


def _start(cfg: DictConfig) -> dict[str, Any] | None:
    return checkpoints.read(_checkpoint(Path(cfg.resume))) if cfg.resume else None


def _checkpoint(resume: Path) -> Path:
    return resume if resume.suffix == ".ckpt" else checkpoints.find(resume)


def _refuse_other_model(task: LightningModule, checkpoint: dict[str, Any], name: str | Path) -> None:
    ours, theirs = task.state_dict(), checkpoint["state_dict"]
    odd = [key for key in ours if key not in theirs or ours[key].shape != theirs[key].shape]
    odd += [key for key in theirs if key not in ours]
    if odd:
        raise UserError(f"{name} is of another model than the config's: they differ in {odd[0]} and {len(odd)} in all")


def load(run: Path, checkpoint: Path | None = None) -> tuple[LightningModule, DictConfig, dict[str, Any]]:
    """The trained task of a run folder, ready to sample; its config; and the checkpoint's content.

    Without a `checkpoint` it is the best, or else the last. Raises UserError for what is no run folder or has none.
    """
    cfg = folder.config(run)
    path = checkpoint or checkpoints.find(run, (checkpoints.BEST, checkpoints.LAST, checkpoints.PREVIOUS))
    content = checkpoints.read(path)
    task: LightningModule = build(cfg.model, "model")
    _refuse_other_model(task, content, path)
    task.load_state_dict(content["state_dict"])
    return task.eval(), cfg, content
