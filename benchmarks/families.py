"""Every family under one protocol: its size, its speed on this machine, and its score after the same number of images.

    python benchmarks/families.py speed [--rounds 5]
    python benchmarks/families.py train --data wikiart --root PATH [--images 20000]
    python benchmarks/families.py table --data wikiart cifar10      # Markdown, and a sheet of samples for each

`speed` lets the families take turns, a few training steps each, so that a noisy machine is equally noisy for all.
`train` skips what it has done before. Each run is a run folder under outputs/families.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from PIL import Image, ImageDraw

from atelier import run
from atelier.config import build
from atelier.data.types import Images
from atelier.files import replacing
from atelier.labels import presume
from atelier.record import table as record
from atelier.record.grids import grid, to_pixels

ROOT = Path(__file__).parents[1]
OUTPUTS = ROOT / "outputs" / "families"
FAMILIES = (
    *("gan", "dcgan", "lsgan", "wgan", "wgan_gp", "dragan", "sngan", "sagan"),
    *("cgan_pd", "acgan", "biggan", "r3gan", "fastgan", "stylegan2"),
)
CONDITIONAL = {"cgan_pd", "acgan"}
LABELS = {"wikiart": "style", "cifar10": "class", "procedural": "style"}
SCORE = "val/embedded_frechet_distance"
SIZE, BATCH = 32, 32


def configuration(family: str, data: str, *overrides: str) -> DictConfig:
    label = [f"data.label={LABELS[data]}"] if family in CONDITIONAL else []
    common = [f"data={data}", f"model={family}", f"data.image_size={SIZE}", f"data.batch_size={BATCH}"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("train", [*common, *label, "run_dir=unused", *overrides])


class Bench:
    """One family's training step on fixed pictures, through Lightning's optimiser wrappers but without its loop."""

    def __init__(self, family: str) -> None:
        cfg = presume(configuration(family, "procedural"))
        self.task = build(cfg.model, "model").train()
        pictures = torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1
        self.batch = Images(pictures, torch.randint(2, (BATCH,)))
        optimizers, _ = self.task.configure_optimizers()
        self.discriminator_optimizer, self.generator_optimizer = optimizers
        self.count = 0

    def step(self) -> None:
        self.count += 1
        task, real = self.task, self.batch.image
        labels = self.batch.label if task.classes else None
        self._descend(self.discriminator_optimizer, task.discriminator_loss(real, labels, self.count))
        for penalty in task.penalties.values():
            penalty.constrain(task.discriminator)
        if self.count % task.critic_steps == 0:
            task.discriminator.requires_grad_(False)
            terms = task.generator_loss(real, labels, self.count // task.critic_steps)
            self._descend(self.generator_optimizer, terms)
            task.discriminator.requires_grad_(True)
            task.average.update(task.generator, self.count // task.critic_steps)

    @staticmethod
    def _descend(optimizer: torch.optim.Optimizer, terms: dict[str, torch.Tensor]) -> None:
        optimizer.zero_grad()
        sum(terms.values()).backward()  # type: ignore[union-attr]  # never empty
        optimizer.step()


def speed(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    benches = {family: Bench(family) for family in arguments.families}
    seconds: dict[str, list[float]] = {family: [] for family in benches}
    for turn in range(arguments.rounds + 1):
        for family, bench in benches.items():
            started = time.perf_counter()
            for _ in range(arguments.steps):
                bench.step()
            if turn:  # the first warms up
                seconds[family].append((time.perf_counter() - started) / arguments.steps)
    found = {family: figures(benches[family].task, seconds[family], seconds["dcgan"]) for family in benches}
    write(OUTPUTS / "speed.json", found)
    print(json.dumps(found, indent=2))


def figures(task: Any, seconds: list[float], reference: list[float]) -> dict[str, float]:
    return {
        "generator": sum(weights.numel() for weights in task.generator.parameters()),
        "discriminator": sum(weights.numel() for weights in task.discriminator.parameters()),
        "images_per_second": round(BATCH / statistics.median(seconds), 1),
        "relative": round(statistics.median(r / s for s, r in zip(seconds, reference, strict=True)), 3),
    }


def train(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    for family in arguments.families:
        folder = OUTPUTS / arguments.data[0] / family
        if status(folder) == "finished":
            continue
        steps = arguments.images // BATCH
        cfg = configuration(
            family, arguments.data[0], *([f"data.root={arguments.root}"] if arguments.root else []),
            f"trainer.max_steps={steps}", f"trainer.val_check_interval={max(1, steps // 2)}", "metrics.count=1000",
        )  # fmt: skip
        print(f"{family}: {run.fit(cfg, folder, {'model': family, 'data': arguments.data[0]}):.3f}", flush=True)


def table(arguments: argparse.Namespace) -> None:
    speeds = json.loads((OUTPUTS / "speed.json").read_text())
    print("| family | generator | discriminator | images/s | of dcgan | " + " | ".join(arguments.data) + " |")
    print("|---" * (5 + len(arguments.data)) + "|")
    for family, found in speeds.items():
        scores = [score(OUTPUTS / data / family) for data in arguments.data]
        sizes = [f"{found[player] / 1e6:.2f} M" for player in ("generator", "discriminator")]
        speeds_of = [f"{found['images_per_second']:.0f}", f"{found['relative']:.2f}"]
        print("| " + " | ".join([family, *sizes, *speeds_of, *scores]) + " |")
    for data in arguments.data:
        sheet([OUTPUTS / data / family for family in speeds], arguments.out / f"families_{data}.png")


def score(folder: Path) -> str:
    if status(folder) != "finished":
        return status(folder)
    last = record.read(folder / "metrics.csv")[-1]
    return f"{float(last[SCORE]):.2f}"


def status(folder: Path) -> str:
    path = folder / "run.json"
    return json.loads(path.read_text())["status"] if path.exists() else "–"


def sheet(folders: list[Path], path: Path, count: int = 12) -> None:
    """A row of samples for each family, of its last checkpoint."""
    folders = [folder for folder in folders if status(folder) == "finished"]
    rows = [samples(folder, count) for folder in folders]
    tall, wide = rows[0].shape[:2]
    canvas = Image.new("RGB", (80 + wide, tall * len(rows)), "white")
    pen = ImageDraw.Draw(canvas)
    for number, (folder, row) in enumerate(zip(folders, rows, strict=True)):
        canvas.paste(Image.fromarray(row), (80, number * tall))
        pen.text((74, number * tall + tall / 2), folder.name, "black", anchor="rm")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        canvas.resize((canvas.width * 2, canvas.height * 2), Image.Resampling.NEAREST).save(partial, "PNG")


def samples(folder: Path, count: int) -> Any:
    task, _, _ = run.load(folder, folder / "checkpoints" / "last.ckpt")
    images = task.sample(count, torch.Generator().manual_seed(0))  # type: ignore[operator]  # a Sampler
    return grid(to_pixels(images), columns=count)


def write(path: Path, content: Any) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["speed", "train", "table"])
    parser.add_argument("--families", nargs="+", default=[*FAMILIES])
    parser.add_argument("--data", nargs="+", default=["procedural"])
    parser.add_argument("--root", help="of the data")
    parser.add_argument("--images", type=int, default=20_000, help="that each family sees")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="of a family's turn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args()
    {"speed": speed, "train": train, "table": table}[arguments.job](arguments)


if __name__ == "__main__":
    main()
