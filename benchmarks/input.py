"""Images per second into training: this data module, and torchvision's ImageFolder with the usual transforms.

    python benchmarks/input.py [--pictures 512] [--side 512] [--size 64] [--workers 0]

Both read the same generated JPEGs, mirror at random and give float batches in [-1, 1]. Their turns alternate, so
that whatever else the machine does meets both alike. What the cache costs once is shown beside.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.transforms import v2

from atelier.data.collections import Folder

BATCH, ROUNDS = 64, 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=512, help="how many")
    parser.add_argument("--side", type=int, default=512, help="of the JPEGs, in pixels")
    parser.add_argument("--size", type=int, default=64, help="of the images trained on")
    parser.add_argument("--workers", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ATELIER_CACHE"] = f"{folder}/cache"
        root = Path(folder, "pictures", "class")
        root.mkdir(parents=True)
        for number in range(arguments.pictures):
            _picture(number, arguments.side).save(root / f"{number}.jpg", quality=90)
        compare(root.parent, arguments.size, arguments.workers)


def compare(root: Path, size: int, workers: int) -> None:
    begun = time.perf_counter()
    data = Folder(root=str(root), image_size=size, batch_size=BATCH, seed=0, num_workers=workers)
    data.prepare()
    # Most of it for small collections: each worker process imports this script, and torch with it.
    print(f"the cache took {time.perf_counter() - begun:.2f} s, once")
    ours = iter(data.train_dataloader())
    theirs = cycle_epochs(plain_loader(root, size, workers))
    speeds = [(speed(ours, 200), speed(theirs, 4)) for _ in range(ROUNDS)]
    print(f"{'atelier':>12} {'torchvision':>12} {'ratio':>8}   images/s, median of {ROUNDS} turns each")
    here, there = (median(column) for column in zip(*speeds, strict=True))
    ratio = median(one / other for one, other in speeds)
    print(f"{here:12,.0f} {there:12,.0f} {ratio:8.1f}")


def plain_loader(root: Path, size: int, workers: int) -> DataLoader[Any]:
    transform = v2.Compose(
        [
            v2.Resize(size, v2.InterpolationMode.LANCZOS),
            v2.CenterCrop(size),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
            v2.Lambda(lambda image: image.float().div_(127.5).sub_(1)),
        ]
    )
    pictures = datasets.ImageFolder(str(root), transform)
    return DataLoader(pictures, BATCH, shuffle=True, drop_last=True, num_workers=workers)


def cycle_epochs(loader: DataLoader[Any]) -> Iterator[Any]:
    for batches in cycle([loader]):
        yield from batches


def speed(batches: Iterator[Any], count: int) -> float:
    """Images/s over `count` batches, after one that is not measured."""
    next(batches)
    begun = time.perf_counter()
    for _ in islice(batches, count):
        pass
    return count * BATCH / (time.perf_counter() - begun)


def _picture(number: int, side: int) -> Image.Image:
    """Something with edges and colours, about as large a file as a photograph's."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((side, side))
    grain = rng.normal(0, 12, (side, side, 1))
    return Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    main()
