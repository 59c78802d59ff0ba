"""A run folder holds everything that a later tool needs, and can be moved."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from atelier import command_line
from atelier.errors import UserError
from atelier.files import remove_halves, write_text
from atelier.strict_json import record_in, to_json
from atelier.whereabouts import located
from atelier.wording import first_line

CONFIG = "config.yaml"
"""The config as it ran, every interpolation resolved: what tools read."""
RECIPE = "recipe.yaml"
"""The config as it was composed, interpolations and all: what a resumed run starts from."""
RECORD = "run.json"
METRICS = "metrics.csv"
EXCHANGEABLE = ("schedule", "logger")
"""Groups of which a run that goes on may have another option: its record then says nothing of them any more."""

PICTURE = "picture.png"
"""What has been painted, of a model whose weights are a picture."""
LOG = "train.log"
"""Hydra's, named after the program."""

CHECKPOINTS = "checkpoints"
LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"
"""What a run goes on from, in this order."""

KEPT = ("data", "classes", "pictures", "makes", "monitor", "card", "card_since")
"""Facts that a run which goes on keeps until it has found its own: a kill in between must not lose them."""

HERE = Path(__file__).parent
PACKAGES = ("atelier", "torch", "torchvision", "pytorch-lightning", "torchmetrics", "hydra-core", "numpy")


class RunFolder:
    """The folder of one run and its `run.json`: what ran, on what, and how it ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record: dict[str, Any] = {}
        self._started = time.monotonic()

    def refuse_another_run(self) -> None:
        """Raise UserError where the folder holds a run that one can go on with."""
        if facts(self.path) and has_checkpoint(self.path):
            raise UserError(f"run_dir: {self.path} holds a run already; resume={self.path} goes on with it")

    def begin(self, cfg: DictConfig, choices: Mapping[str, str], resumed_step: int | None, processes: int = 1) -> None:
        """Write down what is about to run. A run that goes on keeps what it had until then."""
        remove_halves(self.path)
        former = facts(self.path) if resumed_step is not None else {}
        if resumed_step is not None:
            self._forget_samples(resumed_step)
        made_of = {group: option for group, option in choices.items() if "/" not in group}
        chosen = former.get("choices", made_of)
        if former and (self.path / RECIPE).is_file():
            exchanged = _exchanged(OmegaConf.load(self.path / RECIPE), cfg)
            chosen = {group: option for group, option in chosen.items() if group not in exchanged} | _named_schedule()
        cfg = cfg.copy()
        cfg.run_dir = str(self.path)
        write_text(self.path / RECIPE, OmegaConf.to_yaml(cfg))
        write_text(self.path / CONFIG, OmegaConf.to_yaml(cfg, resolve=True))
        self.record = {
            "status": "running",
            "choices": chosen,
            "seed": cfg.seed,
            "processes": processes,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "resumed": [*former.get("resumed", []), *([resumed_step] if resumed_step is not None else [])],
            "wall_seconds_before": former.get("wall_seconds", 0.0),
            "command": sys.argv,
            "folder": str(Path.cwd()),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": {package: version(package) for package in PACKAGES},
            "git": git_state(),
            **{fact: former[fact] for fact in KEPT if fact in former},
        }
        self.note()

    def go_on(self) -> None:
        """Take over a record that another process began, or has written meanwhile."""
        self.record = facts(self.path)

    def note(self, **facts: Any) -> None:
        """Add facts to `run.json`."""
        elapsed = time.monotonic() - self._started
        self.record |= {"wall_seconds": round(self.record["wall_seconds_before"] + elapsed, 1), **facts}
        write_text(self.path / RECORD, to_json(self.record) + "\n")

    def _forget_samples(self, after: int) -> None:
        """Those of later steps, which come again; the record of these is cut off, too."""
        for picture in (self.path / "samples").glob("[0-9]*.png"):
            if picture.stem.isdecimal() and int(picture.stem) > after:
                picture.unlink()


class WatchedFolder(RunFolder):
    """The folder of a run whose record another process keeps."""

    def refuse_another_run(self) -> None:
        """Nothing: the other one does."""

    def begin(self, cfg: DictConfig, choices: Mapping[str, str], resumed_step: int | None, processes: int = 1) -> None:
        """Nothing: the other one does."""

    def note(self, **facts: Any) -> None:
        """Nothing: the other one does."""


def _exchanged(former: Any, now: DictConfig) -> list[str]:
    """Groups that have become another option: of other keys, or another thing. Other values alone do not make one."""
    before, after = ([_kind(cfg.get(group) or {}) for group in EXCHANGEABLE] for cfg in (former, now))
    return [group for group, old, new in zip(EXCHANGEABLE, before, after, strict=True) if old != new]


def _kind(node: Mapping[str, Any]) -> tuple[set[str], Any]:
    return {*node}, node.get("_target_")


def _named_schedule() -> dict[str, str]:
    """The option that the command line names: two may be of one kind."""
    named = command_line.value("schedule", sys.argv[1:])
    return {"schedule": named} if named else {}


def known_as(path: Path) -> Path:
    """Its whole path without `.` and `..`, as it is written: people know a link by the link's own name."""
    return Path(os.path.normpath(path.absolute()))


def title(run: Path) -> str:
    """By what people know it: the last two parts of its path."""
    return "/".join(known_as(run).parts[-2:])


def has_checkpoint(run: Path) -> bool:
    """Whether the run goes on from one by itself; from any other file it does where that is named."""
    return any((run / CHECKPOINTS / name).is_file() for name in (LAST, PREVIOUS, BEST))


def config(run: Path) -> DictConfig:
    """The config of a run folder, its paths such as lead somewhere from here. Raises UserError where `run` is none."""
    if not (run / CONFIG).is_file():
        raise UserError(f"{run} is no run folder: it has no {CONFIG}")
    return located(written(run, CONFIG), facts(run))


def written(run: Path, name: str) -> DictConfig:
    """The config in a file of the run folder. Raises UserError where nothing is left of it, as of half a copy."""
    try:
        loaded = OmegaConf.load(run / name)
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's; OmegaConf's own is of what it read
            raise
        raise UserError(f"{run}: its {name} is damaged ({first_line(error)})") from error
    if not isinstance(loaded, DictConfig) or not loaded:
        raise UserError(f"{run}: its {name} is damaged: there is no config in it")
    return loaded


def git_state() -> dict[str, Any] | None:
    """Of the program's own repository: the commit, and whether the tree has changes; None where it has none."""
    try:
        commit, changes = (
            subprocess.run(
                ["git", *words], cwd=HERE, capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def facts(run: Path) -> dict[str, Any]:
    """The record of a run, empty where it has none. Raises UserError where it is damaged."""
    record = run / RECORD
    if not record.exists():
        return {}
    if not record.is_file():  # nor is one waited for that may write into a pipe
        raise UserError(f"{run}: its {RECORD} cannot be read (it is no file)")
    return record_in(record, f"{run}: its {RECORD}")
