"""JPEGs to read, for benchmarks of the input."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image


def arguments(description: str | None, pictures: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=pictures, help="how many")
    parser.add_argument("--side", type=int, default=512, help="of the JPEGs, in pixels")
    parser.add_argument("--size", type=int, default=64, help="of the images trained on")
    parser.add_argument("--workers", type=int, default=0)
    return parser.parse_args()


@contextmanager
def generated(count: int, side: int) -> Iterator[Path]:
    """A folder with `pictures`, of one class, and with the caches that are made of them; gone at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["ATELIER_CACHE"] = str(folder / "cache")
        (folder / "pictures" / "class").mkdir(parents=True)
        for number in range(count):
            _picture(number, side).save(folder / "pictures" / "class" / f"{number}.jpg", quality=90)
        yield folder


def _picture(number: int, side: int) -> Image.Image:
    """Something with edges and colours, about as large a file as a photograph's."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((side, side))
    grain = rng.normal(0, 12, (side, side, 1))
    return Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8))
