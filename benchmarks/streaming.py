"""Images per second into training: from shards, from the pixel cache, and from the files themselves.

    python benchmarks/streaming.py [--pictures 2048] [--side 512] [--size 64] [--workers 0]

All read the same generated JPEGs, mirror at random and give float batches in [-1, 1]. "At hand" are shards that were
fetched before; "anew" are shards of which the local cache holds too few, so that each is fetched and unpacked again in
every epoch, as where the collection is larger than the disk. They lie in a folder: a network adds what it adds. The
turns alternate, so that whatever else the machine does meets all alike.
"""

import os
from itertools import islice
from pathlib import Path
from statistics import median

from input import BATCH, cycle_epochs, plain_loader, speed
from jpegs import arguments, generated

from atelier.data.collections import Folder
from atelier.data.folder import Files
from atelier.data.remote import Remote
from atelier.data.shard_writing import write_shards
from atelier.data.streamed import StreamedData

ROUNDS, WINDOW, SHARDS = 7, 2, 16


def main() -> None:
    given = arguments(__doc__, pictures=2048)
    with generated(given.pictures, given.side) as folder:
        compare(folder / "pictures", folder, given.size, given.workers)


def compare(root: Path, folder: Path, size: int, workers: int) -> None:
    settings = {"image_size": size, "batch_size": BATCH, "seed": 0, "num_workers": workers}
    cached = Folder(root=str(root), **settings)
    cached.prepare()
    raw = len(cached.train_pixels) * size * size * 3
    index = write_shards(Files(root, "crop"), size, Remote(f"{folder}/shards"), raw / SHARDS / 1e6)
    stored = sum(shard.bytes for shard in index.shards)
    print(
        f"{len(index.shards)} shards of {raw / SHARDS / 1e6:.1f} MB, stored in {stored / raw:.2f} of the pixels' bytes"
    )

    os.environ["ATELIER_CACHE"] = f"{folder}/at_hand"
    at_hand = streamed(folder, settings, 100)
    [*islice(at_hand.train_dataloader(), len(cached.train_pixels) // BATCH)]
    os.environ["ATELIER_CACHE"] = f"{folder}/anew"
    anew = streamed(folder, settings, (WINDOW + 4) * raw / SHARDS * 1.05 / 1e9)

    epoch = len(cached.train_pixels) // BATCH  # "anew" takes a whole one: each shard is unpacked once in it
    loaders = {
        "pixel cache": (iter(cached.train_dataloader()), 10 * epoch),
        "at hand": (iter(at_hand.train_dataloader()), 10 * epoch),
        "anew": (iter(anew.train_dataloader()), epoch),
        "files": (cycle_epochs(plain_loader(root, size, workers)), 4),
    }
    turns = [{name: speed(batches, count) for name, (batches, count) in loaders.items()} for _ in range(ROUNDS)]
    print(f"{'':12} {'images/s':>10} {'to cache':>9} {'to files':>9}   medians of {ROUNDS} turns each")
    for name in loaders:
        there = median(turn[name] for turn in turns)
        to_cache = median(turn[name] / turn["pixel cache"] for turn in turns)
        to_files = median(turn[name] / turn["files"] for turn in turns)
        print(f"{name:12} {there:10,.0f} {to_cache:9.2f} {to_files:9.1f}")


def streamed(folder: Path, settings: dict[str, int], gigabytes: float) -> StreamedData:
    data = StreamedData(root=f"{folder}/shards", window=WINDOW, cache_gigabytes=gigabytes, **settings)
    data.prepare()
    return data


if __name__ == "__main__":
    main()
