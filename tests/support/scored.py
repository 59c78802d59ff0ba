"""`atelier score` as tests call it, and what it scores."""

import json

import numpy as np
import torch
from PIL import Image
from typer.testing import CliRunner

from atelier.cli.main import app


def score(*words):
    """What `atelier score WORDS --json` prints, which must be one object and nothing else."""
    result = CliRunner().invoke(app, ["score", *map(str, words), "--json"])
    if result.exception:
        raise result.exception
    return json.loads(result.stdout)


def names(count):
    return [f"{number}.png" for number in range(count)]


def images(folder, size=None):
    """uint8 (N, 3, H, W), by Pillow alone."""
    opened = [Image.open(path).convert("RGB") for path in sorted(folder.rglob("*.png"))]
    resized = [picture.resize((size, size), Image.Resampling.LANCZOS) if size else picture for picture in opened]
    return torch.stack([torch.tensor(np.array(picture)).permute(2, 0, 1) for picture in resized])
