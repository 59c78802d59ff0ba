"""Styles through encoders and decoders, tile by tile, with what is gathered of the whole picture."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from atelier.networks import taps as tapped
from atelier.networks.taps import Activations
from atelier.stylize.memory import Cost
from atelier.stylize.method import Method, Mixture, padded
from atelier.tasks.level import Level
from atelier.tiling import Tile, tiles

Change = Callable[[Activations], Tensor]

OWN_STYLE = 512
"""Pixels along a picture that attends to itself: what it remembers grows with their square."""

WHOLE = 3 * 12 + 4
"""Bytes for each pixel of a content: as it came, padded, as it is drawn, and as the 8 bits it was read from."""


class Levels(Method[Tensor]):
    """AdaIN, SANet, WCT: every level changes what the one before has drawn.

    Each looks at all tiles twice: first for the statistics of the whole, then to change and to draw. A picture that
    is one tile is encoded once. `memory` is in bytes.
    """

    def __init__(self, name: str, levels: Sequence[Level], memory: int) -> None:
        self.name, self.levels, self.memory = name, levels, memory

    @property
    def modules(self) -> Sequence[nn.Module]:
        return self.levels

    @torch.no_grad()
    def study(self, style: Tensor) -> list[Any]:
        """Each level's code of it."""
        return [level.learn(style) for level in self.levels]

    @torch.no_grad()
    def stylize(self, content: Tensor, mixture: Mixture) -> Tensor:
        """Near a strength of 0 the content as the decoders draw it; at 0 the content itself."""
        if mixture.strength == 0:
            return content
        stride = max(level.stride for level in self.levels)
        picture = padded(content, stride).contiguous(memory_format=torch.channels_last)
        regions = None if mixture.regions is None else padded(mixture.regions, stride)
        for number, level in enumerate(self.levels):
            codes = [codes[number] for codes in mixture.studied]
            picture = self._pass(level, picture, codes, mixture._replace(regions=regions))
        return picture[..., : content.shape[2], : content.shape[3]].clamp_(-1, 1)

    def needs(self, height: int, width: int) -> int:
        return max(_cost(level).of(height, width) for level in self.levels)

    def _pass(self, level: Level, picture: Tensor, codes: Sequence[Any], mixture: Mixture) -> Tensor:
        pieces = self._tiles(level, *picture.shape[2:])
        kept = level.encode(picture) if len(pieces) == 1 else None
        summaries = self._summaries(level, picture, pieces, kept, mixture.regions)
        changes = [level.transform.bind(*pair) for pair in zip(_each(summaries, len(codes)), codes, strict=True)]
        if mixture.strength < 1:
            changes.append(self._plain(level, picture, summaries))
        drawn = torch.empty_like(picture)
        for tile in pieces:  # in one expression, so that what a tile took is free again before the next
            tile.own(drawn).copy_(
                tile.trimmed(level.draw(self._features(level, tile, picture, kept, changes, mixture)))
            )
        return drawn

    def _features(
        self,
        level: Level,
        tile: Tile,
        picture: Tensor,
        kept: Activations | None,
        changes: Sequence[Change],
        mixture: Mixture,
    ) -> Tensor:
        activations = level.encode(tile.window(picture)) if kept is None else kept
        return _blended(activations, changes, _shares(mixture, level, tile))

    def _plain(self, level: Level, picture: Tensor, summaries: Sequence[Any]) -> Change:
        """The features of the content in its own style."""
        whole = reduce(lambda one, other: one.merge(other), summaries)
        return level.transform.bind_plain(whole, lambda: level.learn(_small(picture, level.stride)))

    def _tiles(self, level: Level, height: int, width: int) -> list[Tile]:
        side = _cost(level).side_within(self.memory, (height, width), level.reach, level.stride)
        return tiles(height, width, side, level.reach, level.stride)

    def _summaries(
        self, level: Level, picture: Tensor, pieces: Sequence[Tile], kept: Activations | None, regions: Tensor | None
    ) -> list[Any]:
        """Of the whole picture; of each region where there are any."""
        found: list[Any] = []
        for tile in pieces:
            parts = _parts(level, tile, level.encode(tile.window(picture)) if kept is None else kept, regions)
            found = [one.merge(other) for one, other in zip(found, parts, strict=True)] if found else parts
        return found


def _parts(level: Level, tile: Tile, activations: Activations, regions: Tensor | None) -> list[Any]:
    """Summaries of a tile, of each region where there are any."""
    own = {tap: tile.trimmed(activation, tapped.stride(tap)) for tap, activation in activations.items()}
    weights = [None] if regions is None else [_shrunk(tile.own(region[None]), level) for region in regions]
    return [level.transform.summarise(own, weight) for weight in weights]


def _cost(level: Level) -> Cost:
    return Cost(WHOLE, level.bytes_per_pixel)


def _each(summaries: list[Any], count: int) -> list[Any]:
    """One for each style."""
    return summaries * count if len(summaries) == 1 else summaries


def _blended(activations: Activations, changes: Sequence[Change], shares: Sequence[Any]) -> Tensor:
    if len(shares) == 1:
        return changes[0](activations)
    blend = shares[0] * changes[0](activations)
    for change, share in zip(changes[1:], shares[1:], strict=True):
        blend += share * change(activations)
    return blend


def _shares(mixture: Mixture, level: Level, tile: Tile) -> list[Any]:
    """Of each style, and of the content itself where any is wanted: numbers, or maps of a window's places."""
    strength = mixture.strength
    if mixture.regions is None:
        shares: list[Any] = [strength * weight / sum(mixture.weights) for weight in mixture.weights]
    else:
        shares = [strength * _shrunk(tile.window(region[None]), level) for region in mixture.regions]
    return [*shares, 1 - strength] if strength < 1 else shares


def _shrunk(region: Tensor, level: Level) -> Tensor:
    return avg_pool2d(region, tapped.stride(level.transform.taps[0]))


def _small(picture: Tensor, stride: int) -> Tensor:
    """The picture as its own style: of no more pixels than styles have."""
    scale = min(1.0, OWN_STYLE / max(picture.shape[2:]))
    size = [max(stride, round(side * scale / stride) * stride) for side in picture.shape[2:]]
    return interpolate(picture, size, mode="bilinear", antialias=True)
