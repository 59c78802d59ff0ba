"""Real pictures beside a run's samples, for docs: `python scripts/side_by_side.py RUN OUT.png [--count 64]`."""

import argparse
from pathlib import Path
from typing import cast

import numpy as np
import torch

from atelier import run
from atelier.callbacks.protocols import Sampler
from atelier.config import build
from atelier.record.grids import GUTTER, grid, save_png, to_pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="default: the run's best")
    arguments = parser.parse_args()
    task, cfg, content = run.load(arguments.run, arguments.checkpoint)
    sampler = cast(Sampler, task)
    data = build(cfg.data, "data")
    data.prepare()
    chosen = torch.randperm(len(data.train_pixels), generator=torch.Generator().manual_seed(arguments.seed))
    real = torch.cat([data.train_pixels.images(i, i + 1) for i in chosen[: arguments.count].tolist()])
    fake = to_pixels(sampler.sample(arguments.count, torch.Generator().manual_seed(arguments.seed)))
    left, right = grid(real), grid(fake)
    gap = np.full((len(left), 8 * GUTTER, 3), 255, np.uint8)
    note = {"left": "training pictures", "right": f"samples at step {content['global_step']}", "seed": arguments.seed}
    save_png(np.concatenate([left, gap, right], axis=1), arguments.out, note)


if __name__ == "__main__":
    main()
