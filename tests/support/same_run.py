"""Whether two run folders tell of the same run: what was learnt, recorded and drawn, and nothing else."""

import json

import torch
from filelock import FileLock

from atelier import checkpoints

LEARNT = ("global_step", "state_dict", "optimizer_states", "lr_schedulers", "callbacks")
"""Every tensor and number of a checkpoint that training depends on."""


def same_run(one, other):
    """The folders' last two parts must be alike, for pictures carry them."""
    for name in ("last.ckpt", "best.ckpt"):
        kept = [folder / "checkpoints" / name for folder in (one, other)]
        assert kept[0].is_file() == kept[1].is_file(), name
        if kept[0].is_file():
            first, second = map(checkpoints.read, kept)
            for part in LEARNT:
                equal(first[part], second[part], f"{name}: {part}")
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    first, second = ({path.name: path.read_bytes() for path in (run / "samples").iterdir()} for run in (one, other))
    assert first == second
    ends = [json.loads((run / "run.json").read_text()) for run in (one, other)]
    for fact in ("status", "reason", "steps", "best", "card", "data", "choices"):
        assert ends[0][fact] == ends[1][fact], fact


def equal(first, second, where):
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            equal(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), where
        for index, pair in enumerate(zip(first, second, strict=True)):
            equal(*pair, f"{where}[{index}]")
    else:
        assert first == second, where


def nothing_left(*folders):
    """No half file, no half cache, and no lock that somebody holds."""
    for folder in folders:
        assert [*folder.rglob("*.partial"), *folder.rglob("*.building")] == []
        for lock in folder.rglob("*.lock"):
            with FileLock(lock).acquire(timeout=0):
                pass
