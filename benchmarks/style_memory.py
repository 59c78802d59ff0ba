"""How large a process becomes that stylises a large picture: read, stylised and written, within what a tile may take.

    python benchmarks/style_memory.py [--side 4096] [--threads 1]

Networks are without weights that mean anything: what they take does not depend on it. Each method has a process of its
own.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import style_plain as plain
import torch

from atelier.networks.decoder import Decoder
from atelier.networks.feed_forward import FeedForward
from atelier.networks.slim import LEVELS, SlimDecoder, SlimEncoder
from atelier.networks.transforms.adain import AdaIN
from atelier.networks.transforms.wct import WCT
from atelier.networks.vgg_normalised import VggNormalised
from atelier.record.grids import to_pixels
from atelier.stylize import artwork
from atelier.stylize.feed_forward import FeedForwardStyles
from atelier.stylize.levels import Levels
from atelier.stylize.method import Method, Mixture
from atelier.tasks.level import Level

MEMORY = 2 << 30
"""Bytes that `atelier stylize` may take for a picture, by default."""


def methods() -> dict[str, Callable[[], Method]]:
    """Without weights that mean anything: what they take does not depend on it."""
    return {
        "wct": lambda: Levels("wct", [ready(slim(level)) for level in reversed(LEVELS)], MEMORY),
        "adain": lambda: Levels("adain", [ready(full())], MEMORY),
        "feed-forward": lambda: FeedForwardStyles("johnson", ready(FeedForward()), MEMORY),
    }


def ready(network: Any) -> Any:
    plain.drawn(network)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def slim(level: int) -> Level:
    return Level(SlimEncoder(level), WCT(f"relu{level}_1"), SlimDecoder(level))


def full() -> Level:
    encoder = VggNormalised()
    return Level(encoder, AdaIN(), Decoder(encoder.widths))


def peak(name: str, path: Path, threads: int) -> tuple[float, float]:
    """GiB, and seconds of the processor, of a process that does nothing else."""
    torch.set_num_threads(threads)
    method = methods()[name]()
    style: Any = 0 if name == "feed-forward" else plain.pictures(1, 512, 1)
    work = artwork.read(path)
    mixture = Mixture([method.study(style)], [1.0])
    stylised = to_pixels(method.stylize(work.pixels[None].float() / 127.5 - 1, mixture))[0]
    artwork.write(path.with_name(f"{name}.jpg"), stylised, work, {})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, time.process_time()


def measure(path: Path, side: int, threads: int) -> None:
    small = to_pixels(plain.pictures(1, side // 8, 0))[0]
    # enlarged as bytes: no process is taken for smaller than the one that started it
    artwork.write(path, artwork.resized(small, side), artwork.Artwork(small), {})
    print(f"Stylising {side} x {side} pixels, of which {MEMORY / 2**30:.0f} GiB may be worked on at a time\n")
    print("| | largest, GiB | processor, s |\n|---|---:|---:|")
    for name in methods():
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            largest, seconds = alone.submit(peak, name, path, threads).result()
        print(f"| {name} | {largest:.2f} | {seconds:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "content.jpg", arguments.side, arguments.threads)


if __name__ == "__main__":
    main()
