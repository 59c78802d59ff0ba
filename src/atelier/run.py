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
from atelier.callbacks.finish import ValidateLastStep
from atelier.callbacks.interrupt import Interrupt
from atelier.callbacks.record import Record
from atelier.callbacks.reseed import Reseed
from atelier.callbacks.scores import ScoreSamples
from atelier.config import build, check
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
    start = _checkpoint(Path(cfg.resume)) if cfg.resume else None
    step = checkpoints.read(start)["global_step"] if start else None
    run = RunFolder(path)
    run.begin(cfg, choices, step)
    loggers: list[Logger] = []
    try:
        loggers += _loggers(cfg, path, step)
        best = _train(cfg, run, loggers, start)
    except BaseException as error:
        stopped = isinstance(error, Interrupted | KeyboardInterrupt)
        run.note(status="interrupted" if stopped else "failed", reason=str(error) or type(error).__name__)
        close(loggers, failed=True)
        raise
    run.note(status="finished")
    close(loggers, failed=False)
    summary(path, best.monitor)
    return best.best_score


def load(run: Path, checkpoint: Path | None = None) -> tuple[LightningModule, DictConfig, dict[str, Any]]:
    """The trained task of a run folder, ready to sample; its config; and the checkpoint's content.

    Without a `checkpoint` it is the best, or else the last. Raises UserError for what is no run folder or has none.
    """
    cfg = folder.config(run)
    check(cfg, rehearsed=())  # the program may have changed since
    path = checkpoint or checkpoints.find(run, (checkpoints.BEST, checkpoints.LAST, checkpoints.PREVIOUS))
    content = checkpoints.read(path)
    task: LightningModule = build(cfg.model, "model")
    _refuse_other_model(task, content, path)
    task.load_state_dict(content["state_dict"])
    return task.eval(), cfg, content


def _train(cfg: DictConfig, run: RunFolder, loggers: list[Logger], start: Path | None) -> Checkpoints:
    pytorch_lightning.seed_everything(cfg.seed, workers=True, verbose=False)
    scores: Scores | None = build(cfg.metrics, "metrics")
    if scores:
        scores.fetch()  # before hours of decoding
    data: LightningDataModule = build(cfg.data, "data")
    data.prepare()  # type: ignore[attr-defined]
    run.note(data=data.fingerprint)  # type: ignore[attr-defined]
    task: LightningModule = build(cfg.model, "model")
    if start:
        _refuse_other_model(task, checkpoints.read(start), start)
    keep = Checkpoints(run.path / checkpoints.FOLDER, f"val/{scores.frechet}" if scores else None)
    trainer: Trainer = build(
        cfg.trainer,
        "trainer",
        callbacks=_callbacks(cfg, scores, keep),
        logger=loggers,
        plugins=[checkpoints.WholeCheckpoints()],
        default_root_dir=str(run.path),
    )
    for logger in loggers:
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    trainer.fit(task, datamodule=data, ckpt_path=str(start) if start else None, weights_only=True)
    run.note(steps=trainer.global_step, card=scores.card() if scores else None)
    return keep


def _callbacks(cfg: DictConfig, scores: Scores | None, keep: Checkpoints) -> list[Callback]:
    """In the order in which they must act: scores before the checkpoint that they choose, interruption last."""
    scoring = [ScoreSamples(scores, cfg.seed)] if scores else []
    chosen = [build(node, f"callbacks.{name}") for name, node in cfg.callbacks.items()]
    return [Reseed(cfg.seed), Record(), ValidateLastStep(), *scoring, *chosen, keep, Interrupt(keep)]


def _loggers(cfg: DictConfig, path: Path, resume_step: int | None) -> list[Logger]:
    chosen = [build(node, f"logger.{name}") for name, node in cfg.logger.items()]
    return [CsvRecord(path, resume_step), *(make(folder=path, resume_step=resume_step) for make in chosen)]


def _checkpoint(resume: Path) -> Path:
    return resume if resume.suffix == ".ckpt" else checkpoints.find(resume)


def _refuse_other_model(task: LightningModule, checkpoint: dict[str, Any], path: Path) -> None:
    ours, theirs = task.state_dict(), checkpoint["state_dict"]
    odd = [name for name in ours if name not in theirs or ours[name].shape != theirs[name].shape]
    odd += [name for name in theirs if name not in ours]
    if odd:
        raise UserError(f"{path} is of another model than the config's: {len(odd)} weights differ, {odd[0]} the first")


def _quieten_lightning() -> None:
    """What it says of devices and stops, the progress bar and the summary say better; two warnings are no faults here."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "Found .* in eval mode at the start of training")  # the averaged generator
    warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.", FutureWarning)
