"""Do the scores say what they are for? Spoil real images more and more, and see which scores notice.

    python benchmarks/metric_sanity.py --wikiart FOLDER --cifar10 FOLDER [--metrics embedded] [--weights FILE]

The folders hold parquet files in the layouts of `huggan/wikiart` and `uoft-cs/cifar10`. 750 spoilt images are scored
against 2,000 others. Prints a table and writes docs/images/metric_sanity.png. Blur and noise make worse images of all
kinds: precision and density should fall. Dropped classes and repeated pictures leave good images of fewer kinds:
recall and coverage should fall. FID and KID should rise with all four.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from embedded_sanity import stored
from matplotlib.figure import Figure
from spoilers import COMPARED, SPOILERS, Domain, Spoiler
from torch import Tensor

from atelier.hashing import mix
from atelier.metrics.choices import extractor
from atelier.metrics.scoring import Scores

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "metric_sanity.png"
TRIED = {
    "blur, sigma in pixels": "quality",
    "noise, levels": "quality",
    "classes left, share": "variety",
    "distinct pictures": "variety",
}
EXPECTED = {
    "frechet_distance": {"quality": 1, "variety": 1},
    "kernel_distance": {"quality": 1, "variety": 1},
    "precision": {"quality": -1},
    "density": {"quality": -1},
    "recall": {"variety": -1},
    "coverage": {"variety": -1},
}
"""Which way a score should go, by what is spoilt; of the rest nothing is asked."""

SHORT = {"fid": "frechet_distance", "kid": "kernel_distance"}
SLACK = 0.02
"""Two standard errors of a share of 750 images: so much it may go the wrong way by chance."""

COLOURS = ("#386cb0", "#bf5b17")


@dataclass
class Pictures:
    """Of a domain's reference, as scores want them."""

    images: Tensor
    name: str
    labels: Tensor | None = None

    @property
    def key(self) -> str:
        return f"{self.name}-{mix(*self.images.flatten()[::997].tolist()):x}"

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, size: int) -> Iterator[Tensor]:
        return iter(self.images.split(size))


Climb = dict[str, list[float]]
"""By score: unspoilt, then at each strength."""


def climbs(domain: Domain, arguments: argparse.Namespace) -> dict[str, Climb]:
    """By spoiler."""
    names = ["fid", "kid", "precision_recall", "density_coverage"]
    weights = None if arguments.weights is None else str(arguments.weights)
    scores = Scores(extractor(arguments.metrics, weights), names, COMPARED)
    scores.prepare(Pictures(domain.reference, domain.name), torch.device("cpu"))
    unspoilt = scored(scores, domain.compared)
    found = {}
    for name, spoil, strengths in (spoiler for spoiler in SPOILERS if spoiler.name in TRIED):
        steps = [unspoilt, *(scored(scores, spoil(domain, strength)) for strength in strengths)]
        found[name] = {score: [step[score] for step in steps] for score in unspoilt}
    return found


def scored(scores: Scores, images: Tensor) -> dict[str, float]:
    for numbers in torch.arange(len(images)).split(128):
        scores.update(images[numbers], numbers)
    prefix = f"{scores.extractor.name}_"
    found = {name.removeprefix(prefix): value for name, value in scores.compute().items()}
    return {SHORT.get(name, name): value for name, value in found.items() if not name.endswith("error")}


def report(domain: str, found: Mapping[str, Climb]) -> None:
    for spoiler, climb in found.items():
        print(f"\n{domain}, {spoiler}: unspoilt, then at rising strengths")
        for score, values in climb.items():
            print(
                f"{score:18}" + "".join(f"{value:10.4f}" for value in values) + f"  {verdict(spoiler, score, values)}"
            )


def verdict(spoiler: str, score: str, values: Sequence[float]) -> str:
    way = EXPECTED[score].get(TRIED[spoiler])
    if way is None:
        return ""
    slack = 0.0 if score.endswith("distance") else SLACK
    fine = all(way * (after - before) > -slack or before == after == 0 for before, after in pairwise(values))
    return "as expected" if fine else "NOT as expected"


def draw(found: Mapping[str, Mapping[str, Climb]]) -> None:
    """A row for each score, a column for each spoiler, a line for each domain."""
    spoilers: list[Spoiler] = [spoiler for spoiler in SPOILERS if spoiler.name in TRIED]
    figure = Figure(figsize=(11, 11), layout="constrained")
    grid = figure.subplots(len(EXPECTED), len(spoilers), sharey="row", sharex="col")
    for row, score in zip(grid, EXPECTED, strict=True):
        row[0].set_ylabel(score.replace("_", " "))
        for axes, spoiler in zip(row, spoilers, strict=True):
            labels = ["none", *(f"{strength:g}" for strength in spoiler.strengths)]
            asked = EXPECTED[score].get(TRIED[spoiler.name]) is not None
            for (name, climbed), colour in zip(found.items(), COLOURS, strict=False):
                axes.plot(labels, climbed[spoiler.name][score], "o-", color=colour, markersize=3, label=name)
            axes.set_facecolor("white" if asked else "#f3f4f6")
            axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
            axes.spines[["top", "right"]].set_visible(False)
    for axes, spoiler in zip(grid[0], spoilers, strict=True):
        axes.set_title(spoiler.name, fontsize=10)
    grid[0][0].legend(frameon=False, fontsize="small")
    figure.savefig(PICTURE, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wikiart", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--cifar10", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--metrics", default="embedded")
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    found = {}
    for domain in (
        stored("WikiArt", arguments.wikiart, "train-*.parquet", ("image", "genre")),
        stored("CIFAR-10 test", arguments.cifar10, "test-*.parquet", ("img", "label")),
    ):
        found[domain.name] = climbs(domain, arguments)
        report(domain.name, found[domain.name])
    draw(found)


if __name__ == "__main__":
    main()
