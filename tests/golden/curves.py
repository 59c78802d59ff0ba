"""The losses of three steps, which change on purpose or not at all. CPU, float32, one thread."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from PIL import Image

from atelier import run
from atelier.record import table

FOLDER = Path(__file__).parent
CONF = FOLDER.parents[1] / "conf"
NAMES = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))

DATA = {"points": ["data=gaussians"]}
PAINTINGS = ["data.image_size=32", "data.label=style"]
"""With labels, so that conditional layers are in the curves of all families."""

GAN = [
    "data.count=40", "data.batch_size=8", "model.generator.width=8", "model.discriminator.width=8",
    "model.critic_steps=1", "model.generator_optimizer.lr=0.01", "model.discriminator_optimizer.lr=0.01",
]  # fmt: skip
SMALL = [
    "trainer.max_steps=3", "trainer.log_every_n_steps=1", "trainer.limit_val_batches=1",
    "trainer.accelerator=cpu", "metrics=none", "health=none", "~callbacks", "run_dir=unused",
]  # fmt: skip

PAIRS = ["data.image_size=32", "data.batch_size=2", "data.content.count=8", "data.style.count=4"]
NETWORK = ["model.network.width=4", "model.network.blocks=1"]
STYLE = {
    "gatys": ["data.content={folder}/content.png", "data.style={folder}/style.png", "data.image_size=48"],
    "texture": ["data.style={folder}/style.png", "data.image_size=48", "model.scales=1"],
    "johnson": [*PAIRS[:-1], "data.style={folder}/style.png", *NETWORK],
    "multi_style": [*PAIRS, "data.label=picture", *NETWORK],
    "adain": PAIRS,
    "sanet": PAIRS,
    "wct": PAIRS,
}
"""What models that stylise look at, through the embedded encoder."""

UNPAIRED = ["data.image_size=32", "data.batch_size=1", "data.content.count=8", "data.style.count=8"]
PAIRED = ["data.image_size=32", "data.batch_size=2", "data.root.count=8"]
JUDGE = ["model.discriminator.width=4", "model.discriminator.layers=2"]
FAST = ["model.generator_optimizer.lr=0.01", "model.discriminator_optimizer.lr=0.01"]
RESNET = ["model.generator.width=4", "model.generator.blocks=1"]
TRANSLATION = {
    "pix2pix": ["data=degraded", "degradation=sketch", *PAIRED, "model.generator.width=4"],
    "cyclegan": [*UNPAIRED, *RESNET, "model.pool=1"],
    "cut": [*UNPAIRED, *RESNET, "model.taps=[pixels,down1,block1]", "model.patches=16", "model.heads.width=8"],
    "restorer": ["degradation=super_resolution_x2", *PAIRED, "model.generator.width=8"],
    "restorer_unet": ["degradation=inpainting", *PAIRED, "model.generator.width=4"],
}
"""What models that translate look at; the pool is full after the first step, and exchanges in the others.

Deeper networks, or more pictures, and a unit that rounding turns on or off changes a gradient's sign: with Adam's first
steps that is a whole step of 0.01 the other way, and curves were 10 % apart between machines.
"""


def curve(model: str, *overrides: str) -> dict[str, list[float]]:
    """Each term's values at steps 1, 2 and 3, of the golden config or of one that differs from it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run.fit(_config(model, Path(folder), overrides), Path(folder) / "run", {})
            rows = table.read(Path(folder) / "run" / "metrics.csv")
    finally:
        torch.set_num_threads(threads)
    return {name: [row[name] for row in rows] for name in rows[0] if "/" in name}


def _config(model: str, folder: Path, overrides: Sequence[str]) -> DictConfig:
    _paint(folder / "content.png", 32, 48)
    _paint(folder / "style.png", 40, 24)
    translation = {name: [*options, *JUDGE, *FAST] for name, options in TRANSLATION.items()}
    own = (STYLE | translation).get(model, [*DATA.get(model, PAINTINGS), *GAN])
    with initialize_config_dir(str(CONF), version_base="1.3"):
        options = [f"model={model}", *(option.format(folder=folder) for option in own), *SMALL, *overrides]
        return compose("train", options)


def _paint(path: Path, height: int, width: int) -> None:
    """Bands and waves, of whole numbers: the same on every machine."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * columns % 256, 7 * rows % 256, (rows // 4 + columns // 6) % 2 * 200], -1)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def stored(model: str) -> dict[str, Any]:
    path = FOLDER / f"{model}.json"
    return json.loads(path.read_text()) if path.exists() else {}
