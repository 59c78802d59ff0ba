"""Which modes each recipe finds, over three seeds: of Gaussians in the plane, and of the procedural paintings' styles.

    python benchmarks/modes.py points [--families wgan_gp sngan r3gan known_bad] [--layouts ring grid]
    python benchmarks/modes.py paintings [--images 200000]
    python benchmarks/modes.py table                                # Markdown

What has been done before is skipped, and what was interrupted goes on. Each run is a run folder under outputs/modes.

* points: a point is good within three standard deviations of a mode, of which 98.9 % of the data are; a mode is covered
  where it has a fifth of its fair share of 2,500 points, all good. The protocol is told in recipes.py.
* paintings: each family as it is, at 32 pixels. A painting is good where it looks like one of 2,000 known ones, and has
  its style; 95 % of the data are. A style is covered as a mode is, of 1,000 samples.
"""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from families import BATCH, FAMILIES, ROOT, configuration, status, write
from omegaconf import DictConfig
from recipes import KNOWN_BAD, alike, on_points, recipe
from torch import Tensor

from atelier import checkpoints, run
from atelier.config import build
from atelier.data.painting import STYLES
from atelier.data.types import Images
from atelier.errors import RunError
from atelier.launch import guard
from atelier.metrics.features import EmbeddedFeatures
from atelier.metrics.modes import Coverage, coverage
from atelier.metrics.neighbours import nearest, radii
from atelier.record import table as record

OUTPUTS = ROOT / "outputs" / "modes"
RESULT = "modes.json"
MODES = {"ring": 8, "grid": 25, "paintings": len(STYLES)}
PAINTINGS, CHUNK = 1000, 100
KNOWN, NEIGHBOUR = 2000, 10


def points(arguments: argparse.Namespace) -> None:
    for name in alike(arguments.families):
        for layout in arguments.layouts:
            for seed in arguments.seeds:
                folder = OUTPUTS / layout / name / f"seed-{seed}"
                train(on_points(recipe(name), layout, arguments.steps, f"seed={seed}"), folder, found_points)


def paintings(arguments: argparse.Namespace) -> None:
    steps = arguments.images // BATCH
    options = [f"trainer.max_steps={steps}", f"trainer.val_check_interval={max(1, steps // 4)}", "metrics=none"]
    for name in arguments.families:
        for seed in arguments.seeds if name != KNOWN_BAD else []:
            folder = OUTPUTS / "paintings" / name / f"seed-{seed}"
            train(configuration(name, "procedural", *options, "health=default", f"seed={seed}"), folder, found_styles)


def train(cfg: DictConfig, folder: Path, measure: Any) -> None:
    """Into `folder`, with what `measure` finds there and the warnings that were given."""
    if (folder / RESULT).exists():
        return
    if any((folder / checkpoints.FOLDER).glob("*.ckpt")):
        cfg.resume = str(folder)
    try:
        if status(folder) != "finished":
            run.fit(cfg, folder, {"recipe": folder.parent.name})
        found = {**measure(folder)._asdict(), "warnings": told(folder)}
    except RunError as error:
        found = {"modes": 0, "good": 0.0, "warnings": [str(error)]}
    write(folder / RESULT, found)
    print(f"{folder.relative_to(OUTPUTS)}: {json.dumps(found)}", flush=True)


def found_points(folder: Path) -> Coverage:
    last = [row for row in record.read(folder / "metrics.csv") if "val/modes" in row][-1]
    return Coverage(int(last["val/modes"]), last["val/good_samples"])


def found_styles(folder: Path) -> Coverage:
    task, _, _ = run.load(folder, folder / checkpoints.FOLDER / checkpoints.LAST)
    generator = torch.Generator().manual_seed(0)
    sample: Any = task.sample  # a Sampler's
    return styles(torch.cat([sample(CHUNK, generator) for _ in range(PAINTINGS // CHUNK)]))


def styles(images: Tensor) -> Coverage:
    """Which of the procedural paintings' styles are among images (N, 3, H, W) in [-1, 1].

    A good image is nearer to a known painting than that one's tenth neighbour, by features of the embedded network. So
    are 47 % of paintings blurred by a pixel and 8 % of noise. (The network's own classes would not do: of all samples
    of a DCGAN after 60 steps it is surer than 80 % that they have one style, and 8 % of those are good here.)
    """
    known, reach, style = gallery()
    distance, which = nearest(EmbeddedFeatures()(images), known)
    good = distance <= reach[which]
    found = torch.bincount(style[which[good]], minlength=len(STYLES))
    return Coverage(int((found >= len(images) / len(STYLES) / 5).sum()), good.double().mean().item())


@cache
def gallery() -> tuple[Tensor, Tensor, Tensor]:
    """Of known paintings: their features, the distance to their NEIGHBOUR-th neighbour, and their styles."""
    batch = real_paintings(0, KNOWN)
    assert batch.label is not None
    features = EmbeddedFeatures()(batch.image)
    return features, radii(features, NEIGHBOUR), batch.label


def real_paintings(first: int, count: int) -> Images:
    data = build(configuration("cgan_pd", "procedural").data, "data")
    data.prepare()
    found: Images = data.train_pixels.batch(np.arange(first, first + count), np.zeros(count, bool))
    return found


def told(folder: Path) -> list[str]:
    """Symptoms that the health callback warned of."""
    content = checkpoints.read(folder / checkpoints.FOLDER / checkpoints.LAST)
    return list(content["callbacks"]["Health"]["chart"]["told"])


def table(arguments: argparse.Namespace) -> None:
    columns = [*arguments.layouts, "paintings"]
    groups = {family: group for group in alike(arguments.families).values() for family in group}
    print(
        "| recipe | "
        + " | ".join(f"{column}: modes of {MODES[column]} | good | warned of" for column in columns)
        + " |"
    )
    print("|---" * (1 + 3 * len(columns)) + "|")
    print(f"| the data | {' | '.join(cells([reference(column)]) for column in columns)} |")
    for name in arguments.families:
        trained = {**dict.fromkeys(arguments.layouts, groups[name][0]), "paintings": name}
        found = [[*results(OUTPUTS / column / trained[column])] for column in columns]
        print(f"| {name} | {' | '.join(map(cells, found))} |")


def results(folder: Path) -> list[dict[str, Any]]:
    """Of every seed, in their order."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"seed-*/{RESULT}"))]


def cells(found: list[dict[str, Any]]) -> str:
    if not found:
        return "– | – | –"
    warnings = [warning for result in found for warning in result["warnings"]]
    counted = [f"{warning} ({warnings.count(warning)} of {len(found)})" for warning in dict.fromkeys(warnings)]
    modes = ", ".join(str(result["modes"]) for result in found)
    good = sum(result["good"] for result in found) / len(found)
    return f"{modes} | {good:.3f} | {', '.join(counted) or '–'}"


def reference(column: str) -> dict[str, Any]:
    """What data themselves have."""
    if column == "paintings":
        found = styles(real_paintings(KNOWN, PAINTINGS).image)
    else:
        data = build(on_points(recipe(KNOWN_BAD), column, 20).data, "data")
        data.prepare()
        found = coverage(data.validation_pixels.points, data.centres, data.deviation)
    return {**found._asdict(), "warnings": []}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["points", "paintings", "table"])
    parser.add_argument("--families", nargs="+", default=[*FAMILIES, KNOWN_BAD], help=f"or {KNOWN_BAD}, of points only")
    parser.add_argument("--layouts", nargs="+", default=["ring", "grid"], choices=["ring", "grid"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=8000, help="on points")
    parser.add_argument("--images", type=int, default=200_000, help="that each family sees of the paintings")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    job = {"points": points, "paintings": paintings, "table": table}[arguments.job]
    raise SystemExit(guard(lambda: job(arguments)))


if __name__ == "__main__":
    main()
