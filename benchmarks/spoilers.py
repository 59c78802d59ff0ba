"""Ways to spoil images more and more, by which a measure of quality can be tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

COMPARED = 750
"""How many images are spoilt."""


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


def blurred(domain: Domain, sigma: float) -> Tensor:
    """`sigma` in pixels of a 64-pixel picture."""
    sigma *= domain.pool.shape[-1] / 64
    return functional.gaussian_blur(domain.compared, 2 * int(np.ceil(3 * sigma)) + 1, sigma)


def noisy(domain: Domain, levels: float) -> Tensor:
    noise = torch.randn(domain.compared.shape, generator=torch.Generator().manual_seed(0))
    return (domain.compared + levels * noise).round().clamp(0, 255).byte()


def compressed(domain: Domain, quality: float) -> Tensor:
    """On a grid of blocks shifted by half a block: on their own grid, pictures that were JPEGs hardly change."""
    shifted = domain.compared.roll((4, 4), (-2, -1))
    return torch.stack([functional.jpeg(image, int(quality)) for image in shifted]).roll((-4, -4), (-2, -1))


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


def repeated(domain: Domain, distinct: float) -> Tensor:
    """So many distinct pictures, over and over, as from a generator that has collapsed."""
    return domain.pool[torch.arange(COMPARED) % int(distinct)]


class Spoiler(NamedTuple):
    name: str
    spoil: Callable[[Domain, float], Tensor]
    strengths: Sequence[float]
    """Rising."""


SPOILERS = (
    Spoiler("blur, sigma in pixels", blurred, (1, 2, 4, 8)),
    Spoiler("noise, levels", noisy, (5, 10, 20, 40)),
    Spoiler("JPEG, quality", compressed, (75, 50, 25, 10)),
    Spoiler("colour cast, levels", tinged, (8, 16, 32, 64)),
    Spoiler("black squares, count", holed, (1, 2, 4, 8)),
    Spoiler("classes left, share", narrowed, (0.75, 0.5, 0.25, 0)),
    Spoiler("distinct pictures", repeated, (200, 50, 20, 8)),
    Spoiler("strangers, %", mixed, (5, 15, 40, 100)),
)
