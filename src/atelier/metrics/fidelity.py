"""How near pictures come to what they were to become, where that is known: translation in pairs, and restoration."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from atelier.errors import UserError
from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.base import Measure
from atelier.metrics.style.encoders import EmbeddedEncoder
from atelier.metrics.style.features import ContentDistance
from atelier.metrics.style.pictures import LpipsDistance, Ssim


class Perceptual(NamedTuple):
    """A distance of pictures as a network sees them, by two measures that look through the same one."""

    measures: tuple[Measure, Measure]
    smallest: int = 1
    """The least side of a picture, in pixels."""


class RootMeanSquareError(Measure):
    """In levels of 255, over all places and colours of a picture."""

    name = "rmse"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        return squared_error(content, stylised).sqrt()

    def protocol(self) -> dict[str, Any]:
        return {"formula": "root of the mean over places and colours, in levels of 255", "input": "uint8 RGB"}


class PeakSignalToNoise(Measure):
    """PSNR in decibels, of each picture, then the mean: not that of the mean error, which the worst pictures rule.

    Equal pictures count as if one colour of one pixel were off by a level: else one of them would make the mean
    infinite.
    """

    higher_is_better = True
    name = "psnr"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        least = 1 / content[0].numel()
        return 10 * (255**2 / squared_error(content, stylised).clamp(min=least)).log10()

    def protocol(self) -> dict[str, Any]:
        return {
            "formula": "10 log10(255^2 / mean squared error over places and colours); equal pictures: one level off",
            "input": "uint8 RGB, data range 255",
        }


def squared_error(first: Tensor, second: Tensor) -> Tensor:
    """The mean over uint8 images (B, 3, H, W); float64 (B,)."""
    return (first.double() - second.double()).square().mean((1, 2, 3))


def _embedded(weights: str | None) -> Perceptual:
    if weights is not None:
        raise ValueError("weights must not be given with embedded, which has its own")
    encoder = EmbeddedEncoder()
    return Perceptual((ContentDistance(encoder), ContentDistance(encoder)))


def _lpips(architecture: Any, smallest: int) -> Callable[[str | None], Perceptual]:
    def make(weights: str | None) -> Perceptual:
        lpips = Lpips(architecture, weights)
        return Perceptual((LpipsDistance(lpips), LpipsDistance(lpips)), smallest)

    return make


PERCEPTUAL: dict[str, Callable[[str | None], Perceptual]] = {
    "embedded": _embedded,
    "alex": _lpips("alex", 31),
    "vgg": _lpips("vgg", 16),
    "squeeze": _lpips("squeeze", 17),
}
"""By the network: the package's own, or one of LPIPS, whose weights are downloaded once or `weights` names."""


class Fidelity:
    """PSNR, SSIM and more of pictures beside their targets, and the same of what they were made from as `input_…`.

    What is smaller than its target is enlarged to it first, bicubically. `perceptual` is one of PERCEPTUAL or None.
    Scores are of `count` pictures at most, None: of all there are. `fetch` comes first, then `expect` and `prepare`,
    then `update` and `compute` again and again.
    """

    monitor = "rmse"
    """It chooses the best checkpoint: of each picture, though not of means, it falls where PSNR rises."""

    def __init__(self, perceptual: str | None, weights: str | None, count: int | None) -> None:
        if perceptual is not None and perceptual not in PERCEPTUAL:
            raise ValueError(f"perceptual must be one of {[*PERCEPTUAL, None]}, got {perceptual!r}")
        if perceptual is None and weights is not None:
            raise ValueError("weights must not be given without perceptual, whose network's they are")
        if count is not None and count < 1:
            raise ValueError(f"count must be >= 1 or null, got {count}")
        self.most = count
        seen = PERCEPTUAL[perceptual](weights) if perceptual is not None else None
        self.smallest = seen.smallest if seen else 1
        self.results, self.inputs = (
            [RootMeanSquareError(), PeakSignalToNoise(), Ssim(), *([seen.measures[side]] if seen else [])]
            for side in range(2)
        )

    def fetch(self) -> None:
        """See that all weights are on disk. Raises UserError where they cannot be had."""
        for measure in self.results:
            measure.fetch()

    def expect(self, pictures: int, side: int) -> None:
        """There are so many pictures, whose targets' shorter side has so many pixels. Raises UserError if too small."""
        if side < self.smallest:
            name = self.results[-1].name
            raise UserError(f"metrics.perceptual: {name} needs pictures of {self.smallest} pixels or more, got {side}")
        self.count = pictures if self.most is None else min(self.most, pictures)

    def prepare(self, device: torch.device) -> None:
        """Load the network, where there is one."""
        self.device = torch.device("cpu") if device.type == "mps" else device  # which has no float64
        for measure, of_input in zip(self.results, self.inputs, strict=True):
            measure.load(self.device)
            of_input.to(self.device)  # its network is the same

    def update(self, content: Tensor, result: Tensor, target: Tensor) -> None:
        """Take in uint8 images (B, 3, H, W), the contents perhaps smaller."""
        content, result, target = (images.to(self.device) for images in (content, result, target))
        enlarged = enlarge(content, target.shape[2], target.shape[3])
        for measures, images in ((self.results, result), (self.inputs, enlarged)):
            for measure in measures:
                measure.update(target, target, images)

    def compute(self) -> dict[str, float]:
        """Means over all pictures since the last call, on all processes."""
        found: dict[str, float] = {}
        for prefix, measures in (("", self.results), ("input_", self.inputs)):
            for measure in measures:
                found |= {f"{prefix}{name}": value for name, value in measure.compute().items()}
                measure.reset()
        return found

    def card(self) -> dict[str, Any]:
        """The protocol of the scores: numbers made under different cards do not compare."""
        return {
            "input": "uint8, rounded",
            "mean": "over pictures, of each picture's score",
            "pictures": self.count,
            "enlarged": "inputs smaller than their targets: bicubic (a = -0.5), rounded",
            "measures": {measure.name: measure.protocol() for measure in self.results},
            "versions": {name: version(name) for name in ("torch", "torchmetrics", "atelier")},
        }


def enlarge(images: Tensor, height: int, width: int) -> Tensor:
    """uint8 images (B, 3, h, w) at this size, bicubically: where there is nothing to enlarge, they themselves."""
    if images.shape[2:] == (height, width):
        return images
    # with `antialias` torch's cubic has a = -0.5, as in Pillow, MATLAB and the literature of super-resolution
    larger = interpolate(images.float(), (height, width), mode="bicubic", antialias=True)
    return larger.round().clamp(0, 255).byte()
