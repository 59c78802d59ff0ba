"""Pictures of any size through a network whose instance norms look at the whole."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from atelier.moments import Moments
from atelier.networks.feed_forward import STRIDE, FeedForward, Steps
from atelier.stylize.memory import Cost
from atelier.stylize.method import Method, Mixture, padded
from atelier.tiling import Tile, tiles

REACH = {"nearest": 8, "bilinear": 12}
"""Pixels around a tile that a group of layers sees, at most, by up-sampling: 7 on the way down, then 2 or, on a smooth
way up, 3 of the smallest maps' places."""

MAPS = {"nearest": 4, "bilinear": 5}
"""Of full size, that are there at once: before and after a layer, about their mean, and normalised. Smoothly enlarged,
a map is there with twice the channels: a process held 0.91 of what 4 would announce, and 0.76 of it with the nearest.
"""

Part = Callable[[Tensor, Tensor | None], Steps]
"""Layers, as the network has them: a generator that halts before each instance norm."""


class Group(NamedTuple):
    """Layers between two maps that are kept whole."""

    parts: Sequence[Part]
    norms: int
    scale: float
    """Sides of its output over those of its input."""
    step: int
    """Pixels of the picture along a place of its input."""

    def steps(self, features: Tensor, mixture: Tensor | None) -> Steps:
        for part in self.parts:
            features = yield from part(features, mixture)
        return features


class FeedForwardStyles(Method[int]):
    """The styles that one network has learnt, called by their numbers.

    A picture larger than memory goes through one group of layers after the other, through each in tiles: once for every
    instance norm, to gather the moments of the whole, and once more for what comes out. `memory` is in bytes.
    """

    def __init__(self, name: str, network: FeedForward, memory: int) -> None:
        self.name, self.network, self.memory = name, network, memory

    @property
    def modules(self) -> Sequence[nn.Module]:
        return [self.network]

    def study(self, style: int) -> int:
        return style

    @torch.no_grad()
    def stylize(self, content: Tensor, mixture: Mixture) -> Tensor:
        """With a strength below 1 the picture is so far on the way from the content, in pixels."""
        if mixture.strength == 0:
            return content
        picture = padded(content, STRIDE)
        if mixture.regions is None:
            drawn = self._drawn(picture, self._weights(mixture.studied, mixture.weights, content))
        else:
            drawn = torch.zeros_like(picture)
            for style, region in zip(mixture.studied, padded(mixture.regions, STRIDE), strict=True):
                drawn += region * self._drawn(picture, self._weights([style], [1.0], content))
        return content.lerp(drawn[..., : content.shape[2], : content.shape[3]], mixture.strength).clamp_(-1, 1)

    def needs(self, height: int, width: int) -> int:
        return self._cost.of(height, width)

    @property
    def _cost(self) -> Cost:
        """Whole are the content, the picture drawn, and two of the smallest maps, of four times as many channels."""
        per_map = 4 * self.network.to_pixels.in_channels
        return Cost(3 * 12 + 2 * per_map / 4, 48 + MAPS[self.network.upsampling] * per_map)

    @property
    def _reach(self) -> int:
        return REACH[self.network.upsampling]

    def _weights(self, styles: Sequence[int], weights: Sequence[float], like: Tensor) -> Tensor | None:
        if self.network.styles == 1:
            return None
        mixture = like.new_zeros(1, self.network.styles)
        for style, weight in zip(styles, weights, strict=True):
            mixture[0, style] += weight / sum(weights)
        return mixture

    def _drawn(self, picture: Tensor, mixture: Tensor | None) -> Tensor:
        if self.needs(*picture.shape[2:]) <= self.memory:
            return self.network(picture.contiguous(memory_format=torch.channels_last), mixture)
        side = self._cost.side_within(self.memory, (picture.shape[2], picture.shape[3]), self._reach, STRIDE)
        assert side is not None  # or it would be one piece
        features = picture
        for group in self._groups():
            features = self._through(group, features, mixture, side)
        return features

    def _groups(self) -> list[Group]:
        """Only the smallest maps are ever whole."""
        parts: list[Any] = [*self.network.parts]
        first, second, third, *blocks, up, last = parts

        def to_pixels(features: Tensor, mixture: Tensor | None) -> Steps:
            yield from ()
            return self.network.to_pixels(features).tanh()

        return [
            Group([first, second, third], 3, 1 / STRIDE, 1),
            *(Group([block], 2, 1, STRIDE) for block in blocks),
            Group([up, last, to_pixels], 2, STRIDE, STRIDE),
        ]

    def _through(self, group: Group, features: Tensor, mixture: Tensor | None, side: int) -> Tensor:
        height, width = features.shape[2:]
        pieces = tiles(height, width, side // group.step, self._reach // group.step, STRIDE // group.step)
        known: list[Moments] = []
        for _ in range(group.norms):
            seen = (walked(group.steps(tile.window(features), mixture), known) for tile in pieces)
            own = (_moments(_trimmed(tile, found)) for tile, found in zip(pieces, seen, strict=True))
            known.append(reduce(Moments.merge, own))
        drawn: Tensor | None = None
        for tile in pieces:
            found = _trimmed(tile, walked(group.steps(tile.window(features), mixture), known))
            if drawn is None:
                size = (1, found.shape[1], int(height * group.scale), int(width * group.scale))
                drawn = torch.empty(size, device=found.device, memory_format=torch.channels_last)
            rows, columns = (slice(int(span.start * group.scale), int(span.stop * group.scale)) for span in tile)
            drawn[..., rows, columns] = found
        assert drawn is not None
        return drawn


def walked(steps: Steps, known: Sequence[Moments]) -> Tensor:
    """What the next instance norm would normalise, those before it by the known moments; or else what comes out."""
    try:
        found = next(steps)
        for moments in known:
            found = steps.send(moments)
    except StopIteration as end:
        return end.value
    return found


def _moments(features: Tensor) -> Moments:
    """As `moments.diagonal` has them, for a third of the memory: nothing is copied."""
    variance, mean = torch.var_mean(features, (2, 3), correction=0)
    return Moments(features.new_full((len(features),), features[0, 0].numel()), mean, variance)


def _trimmed(tile: Tile, seen: Tensor) -> Tensor:
    """What of a window's map belongs to the tile itself, whatever the map's scale."""
    parts = []
    for span, side in zip(tile, seen.shape[2:], strict=True):
        scale = side / (span.last - span.first)
        parts.append(slice(int((span.start - span.first) * scale), int((span.stop - span.first) * scale)))
    return seen[..., parts[0], parts[1]]
