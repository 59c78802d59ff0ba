from dataclasses import dataclass

from torch import Generator, Tensor
from torch.nn import functional
from torchvision.transforms.v2.functional import rgb_to_grayscale

from atelier.degradation.base import Damaged, Degradation, Range, check_range, uniform
from atelier.degradation.smoothing import smooth


@dataclass(frozen=True, kw_only=True)
class Sketch(Degradation):
    """The edges of a picture as dark lines on white: how steep its luma is, looked at through a blur.

    Every pixel depends on its neighbourhood alone, so a sketch of a part is a part of the sketch, edges aside.
    """

    sigma: Range
    """The blur's, in pixels: the larger, the fewer and the thicker the lines."""
    strength: Range
    """The darkness of an edge from black to white. Above 1 fainter edges are drawn black, too."""

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma, least=0.5)
        check_range("strength", self.strength)

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        sigma, strength = uniform(self.sigma, generator), uniform(self.strength, generator)
        # the blurred step from 0 to 1 is 1 / (sigma sqrt(2 pi)) steep in its middle
        steepness = _steepness(smooth(rgb_to_grayscale(damaged.image), sigma)) * (sigma * 2.5066)
        return damaged._replace(image=(1 - strength * steepness).clamp_(0, 1).expand(3, -1, -1).contiguous())


def _steepness(grey: Tensor) -> Tensor:
    """Length of the gradient of (1, H, W), per pixel, by central differences."""
    padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    right = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    return down.square().add_(right.square()).sqrt_().div_(2)
