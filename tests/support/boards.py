"""Small leaderboards."""

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from atelier.cli.board.contest import Contest, entrants
from atelier.cli.main import app
from atelier.cli.styling.settings import Settings

MEASURES = ["colour_histogram_distance", "ssim", "embedded_content_distance"]
SETTINGS = Settings(2 << 30, encoder="embedded", steps=1)


def paint(folder, names, seed=0, size=(90, 70)):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        coarse = np.random.default_rng([seed, number]).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


def run(command, *words):
    result = CliRunner().invoke(app, [command, *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def contest(pictures, words, out=None, measures=MEASURES):
    made = Contest(*pictures, 80, measures, SETTINGS, 0)
    made.hold(entrants(map(str, words)), out)
    return made
