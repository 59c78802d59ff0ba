"""The losses of three steps, which change on purpose or not at all. CPU, float32, one thread."""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir

from atelier import run
from atelier.record import table

FOLDER = Path(__file__).parent
CONF = FOLDER.parents[1] / "conf"
NAMES = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))

DATA = {"points": ["data=gaussians"]}
PAINTINGS = ["data.image_size=32", "data.label=style"]
"""With labels, so that conditional layers are in the curves of all families."""

SMALL = [
    "data.count=40", "data.batch_size=8", "model.generator.width=8", "model.discriminator.width=8",
    "model.critic_steps=1", "model.generator_optimizer.lr=0.01", "model.discriminator_optimizer.lr=0.01",
    "trainer.max_steps=3", "trainer.log_every_n_steps=1", "trainer.limit_val_batches=0",
    "trainer.accelerator=cpu", "metrics=none", "health=none", "~callbacks", "run_dir=unused",
]  # fmt: skip


def curve(model: str) -> dict[str, list[float]]:
    """Each term's values at steps 1, 2 and 3."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", [f"model={model}", *DATA.get(model, PAINTINGS), *SMALL])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run.fit(cfg, Path(folder), {})
            rows = table.read(Path(folder) / "metrics.csv")
    finally:
        torch.set_num_threads(threads)
    return {name: [row[name] for row in rows] for name in rows[0] if "/" in name}


def stored(model: str) -> dict[str, Any]:
    path = FOLDER / f"{model}.json"
    return json.loads(path.read_text()) if path.exists() else {}
