from dataclasses import dataclass
from typing import Literal, get_args

from torch import Generator
from torch.nn.functional import max_pool2d
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from atelier.degradation.base import Damaged, Degradation

Factor = Literal[2, 4]


@dataclass(frozen=True, kw_only=True)
class Downsample(Degradation):
    """Fewer pixels, antialiased and bicubic: what the literature of super-resolution starts from."""

    factor: Factor
    """How many times shorter the sides become. They must be multiples of it."""

    def __post_init__(self) -> None:
        if self.factor not in get_args(Factor):
            raise ValueError(f"factor must be one of {list(get_args(Factor))}, got {self.factor!r}")

    @property
    def scale(self) -> int:
        return self.factor

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        """A pixel is known where all the pixels that it stands for are."""
        height, width = damaged.image.shape[1:]
        if height % self.factor or width % self.factor:
            raise ValueError(f"sides must be multiples of {self.factor}, got {height} x {width}")
        size = [height // self.factor, width // self.factor]
        image = functional.resize(damaged.image, size, InterpolationMode.BICUBIC, antialias=True)
        return Damaged(image.clamp_(0, 1), 1 - max_pool2d(1 - damaged.known, self.factor))
