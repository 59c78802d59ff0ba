"""Pictures painted by learning their pixels, without a run folder: see `tasks.gatys`."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from atelier.networks import taps as tapped
from atelier.stylize.memory import Cost
from atelier.stylize.method import Method, Mixture, padded
from atelier.tasks.adversarial import OptimizerFactory, Terms
from atelier.tasks.gatys import Scale, Start, begun, resized, scaled, scales_of, schedule
from atelier.tasks.picture_objective import PictureGoal, PictureObjective, StyleGoal
from atelier.tiling import tiles

Told = Callable[[Scale, int, Terms], None]
"""Hears of each step: its scale, its number, and the terms before it."""

WHOLE = 6
"""Pictures in float32: the content, also at its scale, the painted one, its gradient and beginning, all as 8 bits."""


class PixelSearch(Method[Tensor]):
    """Gatys et al. 2016, from coarse to fine, with so many steps in all; `scales` None: as suit the picture.

    `kept` is how many gradients' worth the optimizer remembers. A strength of 0 is the content as it is: no steps.
    """

    name = "gatys"

    def __init__(
        self,
        objective: PictureObjective,
        optimizer: OptimizerFactory,
        steps: int,
        scales: int | None,
        memory: int,
        kept: int,
        start: Start = "content",
        told: Told = lambda scale, step, terms: None,
    ) -> None:
        self.objective, self.optimizer_factory, self.memory = objective, optimizer, memory
        self.steps, self.scales, self.kept, self.start, self.told = steps, scales, kept, start, told

    @property
    def modules(self) -> Sequence[nn.Module]:
        return [self.objective]

    def study(self, style: Tensor) -> Tensor:
        """The style itself: what is kept of it depends on the scale."""
        return style

    def stylize(self, content: Tensor, mixture: Mixture) -> Tensor:
        if mixture.strength == 0:
            return content
        stride = self.objective.stride
        picture: Tensor | None = None
        for scale in schedule(self.scales or scales_of(max(content.shape[2:])), self.steps):
            wanted = padded(scaled(content, scale.factor), stride)
            begin = begun(wanted, self.start) if picture is None else resized(picture, wanted.shape[2:])
            picture = self._paint(begin, wanted, mixture, scale)
        assert picture is not None
        return picture[..., : content.shape[2], : content.shape[3]].clamp(-1, 1)

    def needs(self, height: int, width: int) -> int:
        return self._cost.of(height, width)

    @property
    def _cost(self) -> Cost:
        """Whole are the content, the picture and what the optimizer keeps, and what the encoder sees of the content."""
        widths = self.objective.encoder.widths
        seen = sum(4 * widths[tap] / tapped.stride(tap) ** 2 for tap in self.objective.content)
        return Cost(12 * (WHOLE + self.kept) + seen, self.objective.bytes_per_pixel)

    def _paint(self, begin: Tensor, content: Tensor, mixture: Mixture, scale: Scale) -> Tensor:
        height, width = begin.shape[2:]
        reach, stride = self.objective.reach, self.objective.stride
        side = self._cost.side_within(self.memory, (height, width), reach, stride)
        pieces = tiles(height, width, side, reach, stride)
        goal = PictureGoal(
            self.objective.content_of(content, pieces), self._styles(mixture, scale, (height, width)), mixture.strength
        )
        pixels = nn.Parameter(begin.clone(memory_format=torch.contiguous_format))
        optimizer: Any = self.optimizer_factory([pixels])
        heard: Terms = {}

        def measure() -> Tensor:
            optimizer.zero_grad()
            terms = self.objective(pixels, goal, pieces)
            if not heard:  # those that follow are a line search's, some of which are thrown away
                heard.update(terms)
            loss = torch.stack([*terms.values()]).sum()
            loss.backward()
            return loss

        for step in range(scale.first, scale.last):
            heard.clear()
            optimizer.step(measure)
            self.told(scale, step, {name: term.detach() for name, term in heard.items()})
        return pixels.detach()

    def _styles(self, mixture: Mixture, scale: Scale, size: tuple[int, int]) -> list[StyleGoal]:
        found = []
        for number, style in enumerate(mixture.studied):
            region = None
            if mixture.regions is not None:
                region = padded(scaled(mixture.regions[number][None], scale.factor), self.objective.stride).clamp(0, 1)
            aims = self.objective.aims(scaled(style, scale.factor))
            found.append(StyleGoal(aims, mixture.weights[number], region))
        return found
