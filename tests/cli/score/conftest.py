"""Small pictures that are scored, and weights to do it by."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from atelier import weights


@pytest.fixture
def paint(tmp_path):
    """Writes smooth pictures of given names and sizes (width, height) into a folder; gives that folder."""

    def write(folder, names, size=(80, 80), seed=0):
        for number, name in enumerate(names):
            coarse = np.random.default_rng([seed, number]).integers(0, 256, (5, 5, 3), dtype=np.uint8)
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
        return tmp_path / folder

    return write


@pytest.fixture
def alexnet(monkeypatch, tmp_path):
    """AlexNet's file where weights are kept, of its shape and random."""
    from torchvision.models import alexnet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = {f"features.{name}": part for name, part in alexnet().features.state_dict().items()}
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    path = weights.path_of("alexnet")
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(weights.PUBLISHED, "alexnet", replace(weights.PUBLISHED["alexnet"], sha256=digest))
    return path
