"""What damages a picture: ranges in, a damaged picture out."""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from math import inf
from typing import NamedTuple

import torch
from torch import Generator, Tensor

Range = tuple[float, float]
"""The least and the most; what is drawn is uniform between them."""
Count = tuple[int, int]
"""The same of whole numbers, both included."""


class Damaged(NamedTuple):
    """A picture on its way through a chain."""

    image: Tensor
    """float32 (3, H, W) in [0, 1]."""
    known: Tensor
    """float32 (1, H, W): 1 where a pixel is still the picture's, 0 where it is lost."""


@dataclass(frozen=True, kw_only=True)
class Degradation(ABC):
    """One kind of damage. What it draws comes from the generator alone; what it is given stays as it is."""

    @abstractmethod
    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged: ...

    @property
    def scale(self) -> int:
        """How many times shorter the sides become."""
        return 1

    @property
    def key(self) -> str:
        """Names the kind and its ranges."""
        return json.dumps([type(self).__name__, asdict(self)])


def check_range(name: str, given: Range, least: float = 0, most: float = inf) -> None:
    """Raises ValueError unless the range lies between `least` and `most`."""
    if len(given) != 2 or not least <= given[0] <= given[1] <= most:
        limit = "" if most == inf else f" <= {most}"
        raise ValueError(f"{name} must be [low, high] with {least} <= low <= high{limit}, got {list(given)}")


def uniform(between: Range, generator: Generator) -> float:
    return uniforms(between, 1, generator).item()


def uniforms(between: Range, number: int, generator: Generator) -> Tensor:
    """float32 (number,)."""
    low, high = between
    return torch.rand(number, generator=generator).mul_(high - low).add_(low)


def integer(between: Count, generator: Generator) -> int:
    low, high = between
    return int(torch.randint(low, high + 1, (), generator=generator))
