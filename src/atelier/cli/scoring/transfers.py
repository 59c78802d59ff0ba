"""Scores of style transfer for folders of pictures."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atelier.cli.devices import device
from atelier.cli.scoring.galleries import STYLISED, gallery_at
from atelier.cli.scoring.runs import Scored
from atelier.data.folder import read
from atelier.data.gallery import Gallery
from atelier.data.pictures import BrokenPicture, decode
from atelier.data.progress import watched
from atelier.errors import UserError
from atelier.metrics.extractors.art_inception import ArtInceptionExtractor
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.artfid import ArtFid
from atelier.metrics.style.base import Measure
from atelier.metrics.style.encoders import EmbeddedEncoder, Vgg19Encoder
from atelier.metrics.style.features import ContentDistance, StyleDistance
from atelier.metrics.style.pictures import ColourHistogramDistance, LpipsDistance, Ssim
from atelier.metrics.style.structure import Cfsd
from atelier.metrics.style.triples import match
from atelier.wording import did_you_mean, listed

Have = Callable[..., Any]
"""Makes a network by its class and arguments, or hands out the one that was made of the same before."""

MEASURES: dict[str, Callable[[Have], Measure]] = {
    "embedded_content_distance": lambda have: ContentDistance(have(EmbeddedEncoder)),
    "embedded_style_distance": lambda have: StyleDistance(have(EmbeddedEncoder)),
    "embedded_cfsd": lambda have: Cfsd(have(EmbeddedEncoder)),
    "content_distance": lambda have: ContentDistance(have(Vgg19Encoder)),
    "style_distance": lambda have: StyleDistance(have(Vgg19Encoder)),
    "cfsd": lambda have: Cfsd(have(Vgg19Encoder)),
    "lpips": lambda have: LpipsDistance(have(Lpips, "alex")),
    "lpips_vgg": lambda have: LpipsDistance(have(Lpips, "vgg")),
    "lpips_squeeze": lambda have: LpipsDistance(have(Lpips, "squeeze")),
    "artfid": lambda have: ArtFid(have(ArtInceptionExtractor), have(Lpips, "alex")),
    "artfid_embedded": lambda have: ArtFid(have(EmbeddedExtractor), have(Lpips, "alex")),
    "ssim": lambda have: Ssim(),
    "colour_histogram_distance": lambda have: ColourHistogramDistance(),
}
"""By the names under which their scores are told."""


def score_transfers(content: Path, style: Path, fake: Path, names: Sequence[str], size: int) -> Scored:
    """Scores of all pictures in `fake`, each beside what it was made of (`metrics.style.triples`).

    All are brought to squares of `size` pixels. Raises UserError for what cannot be compared.
    """
    measures = measures_of(names)
    galleries = [gallery_at(content, "--content"), gallery_at(style, "--style"), gallery_at(fake, "--fake", STYLISED)]
    triples = match(*([gallery.root / name for name in gallery.names] for gallery in galleries))
    where = device()
    load(measures, where)
    for triple in watched(triples, f"looking at {fake.name}", len(triples)):
        pictures = [read_square(path, gallery.option, size) for path, gallery in zip(triple, galleries, strict=True)]
        for measure in measures:
            measure.update(*(picture.to(where) for picture in pictures))
    found = {name: value for measure in measures for name, value in measure.compute().items()}
    return Scored(found, _card(measures, galleries, len(triples), size))


def measures_of(names: Sequence[str]) -> list[Measure]:
    """Not yet loaded. Raises UserError for a name that is none of MEASURES."""
    for name in names:
        if name not in MEASURES:
            raise UserError(
                f"--measures: there is no {name!r}; there are {listed(MEASURES)}{did_you_mean(name, MEASURES)}"
            )
    if not names:
        raise UserError(f"--measures: must be some of {listed(MEASURES)}")
    have = cache(lambda make, *arguments: make(*arguments))
    return [MEASURES[name](have) for name in dict.fromkeys(names)]


def load(measures: Sequence[Measure], where: torch.device) -> None:
    """Each network once, whatever the number of measures that look through it."""
    networks = dict.fromkeys(network for measure in measures for network in measure.networks)
    for network in networks:
        network.fetch()
    for network in networks:
        network.load(where)
    for measure in measures:
        measure.to(where)


def read_square(path: Path, option: str, size: int) -> Tensor:
    """uint8 (1, 3, size, size), whatever its aspect was. Raises UserError that names the option which led there."""
    try:
        pixels = decode(read(path), size, "squash")
    except BrokenPicture as error:
        raise UserError(f"{option}: {path} cannot be used ({error})") from error
    return torch.tensor(pixels).permute(2, 0, 1)[None]


def _card(measures: Sequence[Measure], galleries: Sequence[Gallery], count: int, size: int) -> dict[str, Any]:
    origins = {gallery.option.removeprefix("--"): gallery for gallery in galleries}
    return {
        "resize": f"all to {size} x {size}, Lanczos",
        "input": "uint8, rounded",
        "generated_images": count,
        "measures": {measure.name: measure.protocol() for measure in measures},
        **{name: str(gallery.root) for name, gallery in origins.items()},
        **{f"{name}_key": gallery.key for name, gallery in origins.items()},
        "versions": {name: version(name) for name in ("torch", "torchmetrics", "atelier")},
    }
