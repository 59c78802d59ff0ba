"""How much of a photograph's colours each policy of `--preserve-color` keeps, in numbers.

    python benchmarks/colour.py --content photos --style paintings [--method wct] [--weights wct16x_all.safetensors]

Every content in every style, by the command itself. Of each picture beside its content, in 8-bit levels, the mean over
pixels: by how much its colours differ, luminance left out; by how much its luminance does; and, wherever in the picture
a value is, how far the distributions of red, green and blue are apart (Wasserstein distance).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from atelier.cli.pictures.contents import contents
from atelier.cli.styling.request import Request
from atelier.cli.styling.settings import Settings
from atelier.cli.styling.stylizing import Stylizing
from atelier.launch import guard
from atelier.stylize import artwork
from atelier.stylize.colour import LUMINANCE, POLICIES

MEMORY = 2 << 30
COLUMNS = ("colour", "luminance", "distribution")


def differences(stylised: Tensor, content: Tensor) -> list[float]:
    """Of uint8 (3, H, W) each, COLUMNS."""
    pictures = stylised.double(), content.double()
    grey, wanted = (torch.tensordot(torch.tensor(LUMINANCE).double(), picture, 1) for picture in pictures)
    colour = ((pictures[0] - grey) - (pictures[1] - wanted)).abs().mean()
    ordered, wanted_order = (picture.flatten(1).sort().values for picture in pictures)
    apart = (ordered - wanted_order).abs().mean()  # Wasserstein's distance of as many values
    return [colour.item(), (grey - wanted).abs().mean().item(), apart.item()]


def measured(arguments: argparse.Namespace, policy: str | None, out: Path) -> list[float]:
    job = Stylizing(
        arguments.method,
        Request(out, preserve_color=policy, size=arguments.size, suffix="png"),
        Settings(MEMORY, weights=arguments.weights),
    )
    job.run([arguments.content], [str(arguments.style)])
    found = []
    for content in contents([arguments.content]):
        original = artwork.resized(artwork.read(content.path).pixels, arguments.size)
        for path in sorted(out.glob(f"{content.name}_stylized_*.png")):
            found.append(differences(artwork.read(path).pixels, original))
    return [*np.mean(found, 0)]


def compare(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    print("| policy | " + " | ".join(COLUMNS) + " |")
    print("|---" * (1 + len(COLUMNS)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for policy in (None, *POLICIES):
            values = measured(arguments, policy, Path(folder) / str(policy))
            print(f"| {policy or '–'} | " + " | ".join(f"{value:.1f}" for value in values) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--method", default="wct", help="or a run's folder")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    raise SystemExit(guard(lambda: compare(arguments)))


if __name__ == "__main__":
    main()
