"""Images per second into training: this data module, and torchvision's ImageFolder with the usual transforms.

    python benchmarks/input.py [--pictures 512] [--side 512] [--size 64] [--workers 0]

Both read the same generated JPEGs, mirror at random and give float batches in [-1, 1]. Their turns alternate, so
that whatever else the machine does meets both alike. What the cache costs once is shown beside.
"""

import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from jpegs import arguments, generated
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.transforms import v2

from atelier.data.collections import Folder

BATCH, ROUNDS = 64, 7


def main() -> None:
    given = arguments(__doc__, pictures=512)
    with generated(given.pictures, given.side) as folder:
        compare(folder / "pictures", given.size, given.workers)


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


if __name__ == "__main__":
    main()
