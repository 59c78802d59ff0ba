"""A run folder holds everything that a later tool needs, and can be moved."""

import json
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

from atelier.errors import UserError
from atelier.files import replacing

CONFIG = "config.yaml"
"""The config as it ran, every interpolation resolved: what tools read."""
RECIPE = "recipe.yaml"
"""The config as it was composed, interpolations and all: what a resumed run starts from."""
RECORD = "run.json"

PACKAGES = ("atelier", "torch", "torchvision", "pytorch-lightning", "torchmetrics", "hydra-core", "numpy")


class RunFolder:
    """The folder of one run and its `run.json`: what ran, on what, and how it ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record: dict[str, Any] = {}
        self._started = time.monotonic()

    def begin(self, cfg: DictConfig, choices: Mapping[str, str], resumed_step: int | None) -> None:
        """Write down what is about to run.

        Raises UserError where the folder holds a run already and this one does not go on with it.
        """
        former = self._former()
        if former and resumed_step is None:
            raise UserError(f"run_dir: {self.path} holds a run already; resume={self.path} goes on with it")
        write_yaml(self.path / RECIPE, OmegaConf.to_yaml(cfg))
        write_yaml(self.path / CONFIG, OmegaConf.to_yaml(cfg, resolve=True))
        self.record = {
            "status": "running",
            "choices": {group: option for group, option in choices.items() if "/" not in group},
            "seed": cfg.seed,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "resumed": [*former.get("resumed", []), *([resumed_step] if resumed_step is not None else [])],
            "wall_seconds_before": former.get("wall_seconds", 0.0),
            "command": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": {package: version(package) for package in PACKAGES},
            "git": git_state(),
        }
        self.note()

    def note(self, **facts: Any) -> None:
        """Add facts to `run.json`."""
        elapsed = time.monotonic() - self._started
        self.record |= {"wall_seconds": round(self.record["wall_seconds_before"] + elapsed, 1), **facts}
        with replacing(self.path / RECORD) as partial:
            partial.write_text(json.dumps(self.record, indent=2) + "\n")

    def _former(self) -> dict[str, Any]:
        path = self.path / RECORD
        return json.loads(path.read_text()) if path.is_file() else {}


def config(run: Path) -> DictConfig:
    """The config of a run folder. Raises UserError where `run` is none."""
    if not (run / CONFIG).is_file():
        raise UserError(f"{run} is no run folder: it has no {CONFIG}")
    loaded = OmegaConf.load(run / CONFIG)
    assert isinstance(loaded, DictConfig)
    return loaded


def write_yaml(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text)


def git_state() -> dict[str, Any] | None:
    """Commit and whether the tree has changes; None outside a repository."""
    try:
        commit, changes = (
            subprocess.run(
                ["git", *words], capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}
