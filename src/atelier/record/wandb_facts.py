"""What a run folder tells W&B of its run: the sweep that it is part of, what it was made of, where that came from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from atelier.run_folder import facts

SWEEP = ("sweep.json", "multirun.yaml")
"""What sweepers leave in the folder of a sweep: ours, and Hydra's."""

TOLD = ("versions", "git", "data", "platform", "python")
"""Facts of `run.json` that may explain a difference between two runs."""

OWN = ("run_dir", "resume", "logger")
"""Keys of a config that differ between runs which are the same."""


def sweep(folder: Path) -> str | None:
    """The sweep that this run belongs to, by its name; None where it is a run of its own.

    Files say so that move with the folder: Hydra's of the job has the mode, and the sweeper's lies in the sweep's own.
    """
    job = folder / ".hydra" / "hydra.yaml"
    if not job.is_file() or OmegaConf.load(job).hydra.mode != "MULTIRUN":
        return None
    return next((parent.name for parent in folder.parents if any((parent / name).is_file() for name in SWEEP)), None)


def tags(folder: Path) -> list[str]:
    """The options of the config groups by which runs are looked for: model, data and loss."""
    choices = facts(folder).get("choices", {})
    return [choices[group] for group in ("model", "data", "loss") if choices.get(group)]


def config(folder: Path, params: Mapping[str, Any]) -> dict[str, Any]:
    """A run's config and, under `run`, what it ran on; without what makes equal runs differ."""
    found = facts(folder)
    told = {key: found[key] for key in TOLD if key in found}
    return {**{key: value for key, value in params.items() if key not in OWN}, "run": told}
