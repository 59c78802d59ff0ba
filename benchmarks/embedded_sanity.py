"""Is the embedded network a fit ruler? Spoil images more and more: the Fréchet distance must rise every time.

    python benchmarks/embedded_sanity.py --wikiart FOLDER --cifar10 FOLDER [--second FILE]

The folders hold parquet files in the layouts of `huggan/wikiart` and `uoft-cs/cifar10`. FILE holds the features of
SqueezeNet 1.1 (torchvision's names, Caffe's weights): a second ruler, trained on ImageNet, to compare with.
Prints tables and writes docs/images/embedded_sanity.png.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet
import torch
from panels import Panel, save
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.models import squeezenet1_1
from torchvision.transforms.v2 import functional

from atelier.data.painting import paint
from atelier.networks.embedded import Embedded

REFERENCE, COMPARED = 2000, 750
COUNTS = (250, 500, 1000, 2000)
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "embedded_sanity.png"
Ruler = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Domain:
    """One kind of images, uint8 (N, 3, side, side): a reference, and others to be spoilt."""

    name: str
    reference: Tensor
    pool: Tensor
    labels: Tensor
    strangers: Tensor
    """Images of another kind, to be mixed in."""

    @property
    def compared(self) -> Tensor:
        return self.pool[:COMPARED]


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


def blurred(domain: Domain, sigma: float) -> Tensor:
    """`sigma` in pixels of a 64-pixel picture."""
    sigma *= domain.pool.shape[-1] / 64
    return functional.gaussian_blur(domain.compared, 2 * int(np.ceil(3 * sigma)) + 1, sigma)


def noisy(domain: Domain, levels: float) -> Tensor:
    noise = torch.randn(domain.compared.shape, generator=torch.Generator().manual_seed(0))
    return (domain.compared + levels * noise).round().clamp(0, 255).byte()


def compressed(domain: Domain, quality: float) -> Tensor:
    return torch.stack([functional.jpeg(image, int(quality)) for image in domain.compared])


def tinged(domain: Domain, levels: float) -> Tensor:
    """Redder and less blue by so many levels."""
    cast = torch.tensor([levels, 0, -levels])[:, None, None]
    return (domain.compared + cast).clamp(0, 255).byte()


def holed(domain: Domain, count: float) -> Tensor:
    """Black squares, an eighth of the side wide."""
    images, dice = domain.compared.clone(), np.random.default_rng(0)
    side = images.shape[-1]
    for image in images:
        for top, left in dice.integers(0, side - side // 8, (int(count), 2)):
            image[:, top : top + side // 8, left : left + side // 8] = 0
    return images


def narrowed(domain: Domain, share: float) -> Tensor:
    """Only the commonest classes are left, at least one, as when a generator drops modes."""
    counts = torch.bincount(domain.labels)
    kept = max(1, round(int((counts > 0).sum()) * share))
    commonest = counts.argsort(descending=True, stable=True)[:kept]
    return domain.pool[torch.isin(domain.labels, commonest)][:COMPARED]


def mixed(domain: Domain, percent: float) -> Tensor:
    count = round(COMPARED * percent / 100)
    strangers = functional.resize(domain.strangers[:count], list(domain.pool.shape[-2:]), antialias=True)
    return torch.cat([strangers, domain.compared[count:]])


class Spoiler(NamedTuple):
    name: str
    spoil: Callable[[Domain, float], Tensor]
    strengths: Sequence[float]
    """Rising."""


SPOILERS = (
    Spoiler("blur, sigma in pixels", blurred, (0.5, 1, 2, 4)),
    Spoiler("noise, levels", noisy, (5, 10, 20, 40)),
    Spoiler("JPEG, quality", compressed, (75, 50, 25, 10)),
    Spoiler("colour cast, levels", tinged, (8, 16, 32, 64)),
    Spoiler("black squares, count", holed, (1, 2, 4, 8)),
    Spoiler("classes left, share", narrowed, (0.75, 0.5, 0.25, 0)),
    Spoiler("strangers, %", mixed, (5, 15, 40, 100)),
)


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
