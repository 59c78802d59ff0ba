"""What tests of `atelier stylize` do again and again."""

import numpy as np
from PIL import Image

from atelier.errors import UserError
from atelier.failures import exit_code


def paint(path, height=32, width=48, seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8))
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
    return path


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def made(folder):
    return sorted(path.name for path in folder.iterdir())


def refusal(result):
    """What the user is told, in one line, with exit code 2."""
    assert isinstance(result.exception, UserError), result.exception
    assert exit_code(result.exception) == 2
    assert "\n" not in str(result.exception)
    return str(result.exception)
