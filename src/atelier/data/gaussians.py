"""Points in the plane from a mixture of Gaussians: data of which one knows every mode."""

import hashlib
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from atelier.data.endless import EndlessData
from atelier.data.module import one_of
from atelier.data.types import Images

Arrangement = Literal["ring", "grid"]

DEVIATIONS = {"ring": 0.01, "grid": 0.05}


@dataclass(kw_only=True, eq=False)
class Gaussians(EndlessData):
    """Eight Gaussians on the unit circle, or 25 on a grid with spacing 2 (Srivastava et al. 2017, section 4.1).

    A point is an "image" (2, 1, 1), so that whatever is made for images takes it; it is not confined to [-1, 1].
    """

    pictures = False

    layout: Arrangement = "grid"
    count: int = 50_000
    """How many points there are; one in ten more are held out."""
    label: Literal["mode"] | None = None
    hflip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("layout", self.layout, get_args(Arrangement))
        one_of("label", self.label, ["mode", None])
        if self.hflip:
            raise ValueError("hflip must be false: points are not mirrored")
        if self.count < self.batch_size:
            raise ValueError(f"count must be at least data.batch_size ({self.batch_size}), got {self.count}")

    @property
    def centres(self) -> Tensor:
        """The middle of each mode, (modes, 2)."""
        return _ring() if self.layout == "ring" else _grid()

    @property
    def deviation(self) -> float:
        """The standard deviation of every mode, in each direction."""
        return DEVIATIONS[self.layout]

    def find(self) -> None:
        self.classes = tuple(map(str, range(len(self.centres)))) if self.label else ()
        self.train_pixels = self._draw(self.count, 1)
        self.validation_pixels = self._draw(self.count // 10, 2)
        self.fingerprint = hashlib.blake2b(self.train_pixels.points.numpy().tobytes(), digest_size=16).hexdigest()

    def _draw(self, count: int, seed: int) -> "Points":
        """As many of each mode as chance gives."""
        generator = torch.Generator().manual_seed(seed)
        modes = torch.randint(len(self.centres), (count,), generator=generator)
        points = self.centres[modes] + self.deviation * torch.randn(count, 2, generator=generator)
        return Points(points, modes if self.label else None)


@dataclass(frozen=True)
class Points:
    """Points (N, 2), and the mode of each, (N,), where it is asked for."""

    points: Tensor
    modes: Tensor | None

    def __len__(self) -> int:
        return len(self.points)

    def batch(self, indices: np.ndarray, flips: np.ndarray) -> Images:
        """The points at `indices` as images (B, 2, 1, 1). `flips` are for pictures."""
        return Images(self.points[indices][:, :, None, None], None if self.modes is None else self.modes[indices])


def _ring() -> Tensor:
    angle = torch.arange(8) * math.pi / 4
    return torch.stack([angle.cos(), angle.sin()], 1)


def _grid() -> Tensor:
    side = torch.arange(-4.0, 5.0, 2.0)
    return torch.cartesian_prod(side, side)
