"""Is the embedded network a fit ruler? Spoil images more and more: the Fréchet distance must rise every time.

    python benchmarks/embedded_sanity.py --wikiart FOLDER --cifar10 FOLDER [--second FILE]

The folders hold parquet files in the layouts of `huggan/wikiart` and `uoft-cs/cifar10`. FILE holds the features of
SqueezeNet 1.1 (torchvision's names, Caffe's weights): a second ruler, trained on ImageNet, to compare with.
Prints tables and writes docs/images/embedded_sanity.png.
"""

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet
import torch
from panels import Panel, save
from PIL import Image
from safetensors.torch import load_file
from spoilers import COMPARED, SPOILERS, Domain
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.models import squeezenet1_1

from atelier.data.painting import paint
from atelier.networks.embedded import Embedded

REFERENCE = 2000
COUNTS = (250, 500, 1000, 2000)
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "embedded_sanity.png"
Ruler = Callable[[Tensor], Tensor]


def painted() -> Domain:
    pictures = [paint(index, 64, seed=3) for index in range(REFERENCE + 9 * COMPARED)]
    pixels = torch.from_numpy(np.stack([picture.pixels for picture in pictures])).permute(0, 3, 1, 2)
    return _domain("procedural paintings", pixels, torch.tensor([picture.style for picture in pictures]))


def stored(name: str, folder: Path, files: str, columns: tuple[str, str]) -> Domain:
    """Images of parquet files as they are, in a fixed random order."""
    found = sorted(folder.rglob(files))
    if not found:
        raise SystemExit(f"no {files} in {folder}")
    rows = [row for file in found for row in pyarrow.parquet.read_table(file, columns=[*columns]).to_pylist()]
    rows = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    image, label = columns
    decoded = [np.asarray(Image.open(io.BytesIO(row[image]["bytes"])).convert("RGB")) for row in rows]
    return _domain(
        name,
        torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2),
        torch.tensor([row[label] for row in rows]),
    )


def _domain(name: str, pixels: Tensor, labels: Tensor) -> Domain:
    return Domain(name, pixels[:REFERENCE], pixels[REFERENCE:], labels[REFERENCE:], strangers=torch.empty(0))


def embedded() -> Ruler:
    network = Embedded.pretrained()
    return lambda images: network(images / 127.5 - 1).pooled


def squeezenet(file: Path) -> Ruler:
    network = squeezenet1_1(weights=None)
    network.load_state_dict(load_file(file), strict=False)  # the classifier is not in the file, nor wanted
    mean = torch.tensor([104.0, 117.0, 123.0])[:, None, None]  # Caffe: blue, green, red; 0 to 255

    def features(images: Tensor) -> Tensor:
        large = interpolate(images, (128, 128), mode="bilinear", antialias=True)
        return network.features(large.flip(1) - mean).mean((2, 3))

    return features


@torch.inference_mode()
def features_of(ruler: Ruler, images: Tensor) -> Tensor:
    return torch.cat([ruler(some.float()) for some in images.split(125)]).double()


def frechet(one: Tensor, other: Tensor) -> float:
    """Of features (N, D), (M, D): |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½) (Dowson and Landau 1982)."""
    first, second = one.T.cov(), other.T.cov()
    values, vectors = torch.linalg.eigh(first)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    return float((one.mean(0) - other.mean(0)).square().sum() + first.trace() + second.trace() - 2 * cross)


class Outcome(NamedTuple):
    """Distances from a domain's reference by one ruler."""

    climbs: dict[str, list[float]]
    """By spoiler: unspoilt, then at each strength."""
    by_count: list[float]
    """Of so many unspoilt images as COUNTS says."""

    @property
    def spoilt(self) -> list[float]:
        return [distance for climb in self.climbs.values() for distance in climb[1:]]


def outcome(ruler: Ruler, domain: Domain) -> Outcome:
    reference = features_of(ruler, domain.reference)
    unspoilt = features_of(ruler, domain.pool[: max(COUNTS)])
    floor = frechet(reference, unspoilt[:COMPARED])
    climbs = {
        name: [floor, *(frechet(reference, features_of(ruler, spoil(domain, strength))) for strength in strengths)]
        for name, spoil, strengths in SPOILERS
    }
    return Outcome(climbs, [frechet(reference, unspoilt[:count]) for count in COUNTS])


def report(ruler: str, domain: Domain, found: Outcome) -> None:
    print(f"\n{domain.name} by {ruler}: distance unspoilt, then at rising strengths")
    for name, climb in found.climbs.items():
        verdict = "rises" if all(before < after for before, after in pairwise(climb)) else "FALLS"
        print(f"{name:22}" + "".join(f"{distance:11.4f}" for distance in climb) + f"  {verdict}")
    print(f"{COUNTS} unspoilt   " + "".join(f"{distance:11.4f}" for distance in found.by_count), flush=True)


def rank_correlation(one: list[float], other: list[float]) -> float:
    """Spearman's; there are no ties."""
    return float(np.corrcoef([np.argsort(np.argsort(values)) for values in (one, other)])[0, 1])


def draw(outcomes: dict[str, Outcome]) -> None:
    """`outcomes` by name of the domain."""
    panels = [
        Panel(
            spoiler.name,
            ["none", *(f"{strength:g}" for strength in spoiler.strengths)],
            {name: found.climbs[spoiler.name] for name, found in outcomes.items()},
        )
        for spoiler in SPOILERS
    ]
    counts = {name: found.by_count for name, found in outcomes.items()}
    save([*panels, Panel("unspoilt, number of images", [str(count) for count in COUNTS], counts)], PICTURE)


def domains(wikiart: Path, cifar10: Path) -> list[Domain]:
    found = [
        painted(),
        stored("WikiArt", wikiart, "train-*.parquet", ("image", "genre")),
        stored("CIFAR-10 test", cifar10, "test-*.parquet", ("img", "label")),
    ]
    return [replace(one, strangers=other.reference) for one, other in zip(found, [*found[1:], found[0]], strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wikiart", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--cifar10", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--second", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    second = squeezenet(arguments.second) if arguments.second else None
    ours = embedded()
    outcomes = {}
    for domain in domains(arguments.wikiart, arguments.cifar10):
        outcomes[domain.name] = outcome(ours, domain)
        report("the embedded network", domain, outcomes[domain.name])
        if second is not None:
            other = outcome(second, domain)
            report("the second ruler", domain, other)
            print(f"rank correlation of the two {rank_correlation(outcomes[domain.name].spoilt, other.spoilt):.3f}")
    draw(outcomes)


if __name__ == "__main__":
    main()
