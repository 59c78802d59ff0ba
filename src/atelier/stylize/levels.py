"""Styles through encoders and decoders, tile by tile, with what is gathered of the whole picture."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from atelier.networks import taps as tapped
from atelier.stylize.memory import side_within
from atelier.stylize.method import Method, Mixture, padded
from atelier.tasks.level import Activations, Level
from atelier.tiling import Tile, tiles

OWN_STYLE = 512
"""Pixels along a picture that attends to itself: what it remembers grows with their square."""


class Levels(Method):
    """AdaIN, SANet, WCT: every level changes what the one before has drawn.

    Each looks at all tiles twice: first for the statistics of the whole, then to change and to draw. A picture that
    is one tile is encoded once. `memory` is in bytes.
    """

    def __init__(self, name: str, levels: Sequence[Level], memory: int) -> None:
        self.name, self.levels, self.memory = name, levels, memory

    @torch.no_grad()
    def study(self, style: Tensor) -> list[Any]:
        """Each level's code of it."""
        return [level.learn(style) for level in self.levels]

    @torch.no_grad()
    def stylize(self, content: Tensor, mixture: Mixture) -> Tensor:
        stride = max(level.stride for level in self.levels)
        picture = padded(content, stride).contiguous(memory_format=torch.channels_last)
        regions = None if mixture.regions is None else padded(mixture.regions, stride)
        for number, level in enumerate(self.levels):
            codes = [codes[number] for codes in mixture.studied]
            picture = self._pass(level, picture, codes, mixture._replace(regions=regions))
        return picture[..., : content.shape[2], : content.shape[3]].clamp(-1, 1)

    def needs(self, height: int, width: int) -> int:
        """Bytes, if nothing is cut into tiles."""
        return max(level.bytes_per_pixel for level in self.levels) * height * width

    def _pass(self, level: Level, picture: Tensor, codes: Sequence[Any], mixture: Mixture) -> Tensor:
        pieces = self._tiles(level, *picture.shape[2:])
        kept = level.encode(picture) if len(pieces) == 1 else None
        summaries = self._summaries(level, picture, pieces, kept, mixture.regions)
        changes = [level.transform.bind(*pair) for pair in zip(_each(summaries, len(codes)), codes, strict=True)]
        plain = self._plain(level, picture, summaries) if mixture.strength < 1 else None
        drawn = torch.empty_like(picture)
        for tile in pieces:
            activations = level.encode(tile.window(picture)) if kept is None else kept
            features = torch.zeros((), device=picture.device)
            for change, share in zip(changes, _shares(mixture, level, tile), strict=True):
                features = features + mixture.strength * share * change(activations)
            if plain is not None:
                features = features + (1 - mixture.strength) * plain(activations)
            tile.own(drawn).copy_(tile.trimmed(level.draw(features)))
        return drawn

    def _plain(self, level: Level, picture: Tensor, summaries: Sequence[Any]) -> Callable[[Activations], Tensor]:
        """The features of the content in its own style."""
        whole = reduce(lambda one, other: one.merge(other), summaries)
        return level.transform.bind_plain(whole, lambda: level.learn(_small(picture, level.stride)))

    def _tiles(self, level: Level, height: int, width: int) -> list[Tile]:
        side = side_within(self.memory, level.bytes_per_pixel, height, width, level.reach, level.stride)
        return tiles(height, width, side, level.reach, level.stride)

    def _summaries(
        self, level: Level, picture: Tensor, pieces: Sequence[Tile], kept: Activations | None, regions: Tensor | None
    ) -> list[Any]:
        """Of the whole picture; of each region where there are any."""
        found: list[Any] = []
        for tile in pieces:
            activations = level.encode(tile.window(picture)) if kept is None else kept
            own = {tap: tile.trimmed(activation, tapped.stride(tap)) for tap, activation in activations.items()}
            weights = [None] if regions is None else [_shrunk(tile.own(region[None]), level) for region in regions]
            parts = [level.transform.summarise(own, weight) for weight in weights]
            found = [one.merge(other) for one, other in zip(found, parts, strict=True)] if found else parts
        return found


def _each(summaries: list[Any], count: int) -> list[Any]:
    """One for each style."""
    return summaries * count if len(summaries) == 1 else summaries


def _shares(mixture: Mixture, level: Level, tile: Tile) -> list[Any]:
    """Of each style: a number, or for each place of a window's features."""
    if mixture.regions is None:
        return [weight / sum(mixture.weights) for weight in mixture.weights]
    return [_shrunk(tile.window(region[None]), level) for region in mixture.regions]


def _shrunk(region: Tensor, level: Level) -> Tensor:
    return avg_pool2d(region, tapped.stride(level.transform.taps[0]))


def _small(picture: Tensor, stride: int) -> Tensor:
    """The picture as its own style: of no more pixels than styles have."""
    scale = min(1.0, OWN_STYLE / max(picture.shape[2:]))
    size = [max(stride, round(side * scale / stride) * stride) for side in picture.shape[2:]]
    return interpolate(picture, size, mode="bilinear", antialias=True)
