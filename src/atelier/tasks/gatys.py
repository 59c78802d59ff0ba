"""Style transfer by learning the pixels themselves (Gatys et al. 2016)."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.optim import Optimizer

from atelier.data.types import Pair
from atelier.tasks.adversarial import OptimizerFactory, Terms
from atelier.tasks.picture_objective import PictureGoal, PictureObjective, StyleGoal
from atelier.tiling import Tile, tiles

Start = Literal["content", "noise"]

NOISE = 0.1
"""Standard deviation of the noise that a picture may start from, in [-1, 1]."""


COARSEST = 256
"""Pixels of the longer side at the coarsest of several scales, at least."""


class Scale(NamedTuple):
    """A part of the way from coarse to fine."""

    factor: float
    """Of the full sides."""
    first: int
    last: int
    """Its steps; last is the next scale's first."""


class Gatys(LightningModule):
    """Paints one content in one style: a step is an iteration on the whole picture.

    From coarse to fine (Gatys et al. 2017, section 5): the sides double from one of the `scales` to the next, which
    starts from the enlarged picture of the one before. All have as many steps. The longer side of the content has
    `image_size` pixels; the picture is that corner of the weights `pixels` which has the content's shape.
    """

    batch: ClassVar[type] = Pair

    pixels: nn.Parameter
    extent: Tensor
    """Height and width of what is painted at present; zero before the first step."""
    reached: Tensor
    """The factor of its scale."""

    def __init__(
        self,
        objective: PictureObjective,
        optimizer: OptimizerFactory,
        image_size: int,
        scales: int = 1,
        start: Start = "content",
    ) -> None:
        super().__init__()
        if scales < 1:
            raise ValueError(f"scales must be >= 1, got {scales}")
        if start not in get_args(Start):
            raise ValueError(f"start must be one of {list(get_args(Start))}, got {start!r}")
        self.objective, self.optimizer_factory, self.scales, self.start = objective, optimizer, scales, start
        self.pixels = nn.Parameter(torch.zeros(1, 3, image_size, image_size))
        self.register_buffer("extent", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("reached", torch.zeros((), dtype=torch.float64))
        self.goal: PictureGoal | None = None
        self._heard: Terms = {}
        self.seamless = objective.seamless

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer_factory([self.pixels])

    def on_train_batch_start(self, batch: Pair, batch_idx: int) -> None:
        self._heard = {}
        scale = next(one for one in schedule(self.scales, self.trainer.max_steps) if self.global_step < one.last)
        # a run that was finished, and goes on for longer, would find itself at an earlier scale: it does not go back
        factor = max(scale.factor, self.reached.item())
        if self.goal is None or factor != self.reached:
            self._begin(batch, factor)

    def training_step(self, batch: Pair, batch_idx: int) -> Terms:
        assert self.goal is not None
        picture = self.picture()
        terms = self.objective(picture, self.goal, whole(picture))
        if not self._heard:  # a line search evaluates pictures that it then throws away, but the first is as it stands
            self._heard = {f"picture/{name}": term.detach() for name, term in terms.items()}
        return {"loss": torch.stack([*terms.values()]).sum(), **self._heard}

    def picture(self) -> Tensor:
        """What is painted so far, (1, 3, h, w), its gradient that of the weights."""
        height, width = self.extent.tolist()
        return self.pixels[:, :, :height, :width]

    @torch.no_grad()
    def stylised(self, batch: Pair) -> Tensor:
        """The picture as it stands, at the size of its scale."""
        return self.picture().clamp(-1, 1) if self.extent.any() else batch.content

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        """There is nothing but the picture to look at."""

    @torch.no_grad()
    def _begin(self, batch: Pair, factor: float) -> None:
        """Set the goal at this scale and, where the picture is not there yet, the picture to start from."""
        content, style = (scaled(images, factor) for images in (batch.content, batch.style))
        if self.seamless:  # poolings leave out a remainder, and what is across the edge would be out of step
            content = resized(content, [_whole(side, self.objective.stride) for side in content.shape[2:]])
        wanted = self.objective.content_of(content, whole(content))
        self.goal = PictureGoal(wanted, [StyleGoal(self.objective.aims(style))])
        if factor == self.reached:
            return
        painted = self._enlarged(content.shape[2:]) if self.extent.any() else begun(content, self.start)
        self.extent.copy_(torch.tensor(painted.shape[2:]))
        self.picture().copy_(painted)
        self.reached.fill_(factor)
        optimizer: Any = self.optimizers()
        optimizer.state.clear()  # moments and curvatures of another scale's pixels

    def _enlarged(self, size: Sequence[int]) -> Tensor:
        """The picture at the next scale's size, smooth across its edges where it is to tile."""
        if not self.seamless:
            return resized(self.picture(), size)
        height, width = size
        return resized(self.picture().repeat(1, 1, 3, 3), (3 * height, 3 * width))[..., height:-height, width:-width]


def scales_of(side: int) -> int:
    """How many serve a picture whose longer side has so many pixels: the coarsest has 256 or more.

    Down there one scale from the content is better; at 512 pixels two end lower than one or three in the same time.
    """
    return max(1, side // COARSEST).bit_length()


def schedule(scales: int, steps: int) -> Iterator[Scale]:
    """The scales of so many steps together, coarsest first."""
    for number in range(scales):
        yield Scale(0.5 ** (scales - 1 - number), number * steps // scales, (number + 1) * steps // scales)


def begun(content: Tensor, start: Start) -> Tensor:
    """The picture before the first step. Noise is drawn on the CPU: a seed means the same on every device."""
    return content.clone() if start == "content" else (NOISE * torch.randn(content.shape)).to(content)


def scaled(images: Tensor, factor: float) -> Tensor:
    """With sides so many times as long, antialiased."""
    height, width = (max(16, round(side * factor)) for side in images.shape[2:])
    return resized(images, (height, width))


def resized(images: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(images.shape[2:]) == tuple(size):
        return images
    return interpolate(images, tuple(size), mode="bicubic", antialias=True).clamp(-1, 1)


def _whole(side: int, stride: int) -> int:
    """The largest multiple that fits."""
    return max(stride, side // stride * stride)


def whole(images: Tensor) -> list[Tile]:
    """The picture as one tile."""
    return tiles(images.shape[2], images.shape[3], None, 0, 1)
