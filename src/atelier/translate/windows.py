"""Pictures of any size through a network, in windows that overlap and are blended into one another."""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import NamedTuple

import torch
from torch import Tensor

from atelier.networks.translator import Translator, complete
from atelier.translate.tiles import OVERLAP, SIDE


class Axis(NamedTuple):
    """Along one side of a picture."""

    starts: list[int]
    side: int
    """Pixels of a window; less than the network is given only where there is one window."""
    given: int
    weights: Tensor
    """As `weights_of` has them."""


class Windows:
    """A network for pictures of any size, of which it is given a part at a time.

    Pictures no larger than `tile` go through whole, larger ones in windows of `tile` pixels a side, both rounded up to
    what the network can take; of neighbours, `overlap` pixels or more are drawn twice. So memory for activations is
    bounded by the tile. What a network gathers of the whole, as instance norms do, it gathers of each window; the
    blending hides that, but does not undo it. It computes at `place`; pictures stay where they are.
    """

    def __init__(
        self, network: Translator, tile: int = SIDE, overlap: int = OVERLAP, place: torch.device | None = None
    ) -> None:
        if tile < 1:
            raise ValueError(f"tile must be >= 1, got {tile}")
        if not 0 <= 2 * overlap <= tile:
            raise ValueError(f"overlap must be from 0 to half of tile, {tile // 2}, got {overlap}")
        self.network, self.overlap, self.place = network, overlap, place or torch.device("cpu")
        self.side = self._fitting(tile)

    @torch.no_grad()
    def draw(self, picture: Tensor, known: Tensor | None = None) -> Tensor:
        """(1, 3, scale * h, scale * w) in [-1, 1] of a picture (1, 3, h, w), whose `known` pixels, (1, 1, h, w), stay.

        A window of which all is known is not drawn.
        """
        scale = self.network.scale
        rows, columns = (self._axis(length) for length in picture.shape[2:])
        canvas = picture.new_zeros(1, 3, scale * picture.shape[2], scale * picture.shape[3])
        for (top, down), (left, across) in product(_windows(rows), _windows(columns)):
            here = (..., slice(top, top + rows.side), slice(left, left + columns.side))
            drawn = self._drawn(picture[here], None if known is None else known[here], (rows.given, columns.given))
            there = canvas[..., scale * top :, scale * left :][..., : drawn.shape[2], : drawn.shape[3]]
            there.addcmul_(drawn.to(canvas), (down[:, None] * across).to(canvas))
        return canvas

    def _drawn(self, window: Tensor, known: Tensor | None, given: tuple[int, int]) -> Tensor:
        if known is not None and bool((known > 0).all()):
            return window
        seen = mirrored(window, *given).to(self.place)
        drawn = complete(self.network, seen, None if known is None else mirrored(known, *given).to(self.place))
        height, width = (self.network.scale * side for side in window.shape[2:])
        return drawn[..., :height, :width]

    def _axis(self, length: int) -> Axis:
        starts = starts_of(length, self.side, self.overlap, self.network.multiple)
        side = min(length, self.side)
        return Axis(starts, side, self._fitting(side), weights_of(starts, side, self.overlap, self.network.scale))

    def _fitting(self, length: int) -> int:
        multiple = self.network.multiple
        return -(-max(length, self.network.least) // multiple) * multiple


def starts_of(length: int, side: int, overlap: int, multiple: int = 1) -> list[int]:
    """Where windows of `side` pixels begin that cover the length, evenly, and share `overlap` pixels or more.

    They begin at multiples, so that all see the network's grid where the whole picture would have it, but for the last,
    which ends with the picture. Multiples above the overlap, as a deep U-Net has, would cost more than was asked for:
    then windows begin anywhere.
    """
    if length <= side:
        return [0]
    unit = multiple if multiple <= overlap else 1
    step, last = (side - overlap) // unit, -(-(length - side) // unit)
    count = -(-last // step)
    return [*(last * number // count * unit for number in range(count)), length - side]


def weights_of(starts: Sequence[int], side: int, overlap: int, scale: int = 1) -> Tensor:
    """How much each place of each window counts in what comes out, float32 (windows, scale * side).

    Of every place the weights sum to 1. Neighbours are cross-faded along half a cosine over the middle half of their
    overlap; the quarter next to where a window was cut out of the picture has weight 0. So a network that sees no
    further around a pixel than that quarter draws what it would draw of the whole.
    """
    places = (torch.arange(scale * (starts[-1] + side), dtype=torch.float64) + 0.5) / scale
    cuts = [(before + side + after) / 2 for before, after in pairwise(starts)]
    width = min([overlap / 2, *(later - earlier for earlier, later in pairwise(cuts))])
    # the share of a place that is beyond each cut: differences of neighbours sum to 1, whatever lies between them
    ramps = [_ramp(places, cut, width) for cut in cuts]
    beyond = torch.stack([torch.ones(len(places)), *ramps, torch.zeros(len(places))])
    weights = beyond[:-1] - beyond[1:]
    return torch.stack([row[scale * start :][: scale * side] for row, start in zip(weights, starts, strict=True)])


def mirrored(images: Tensor, height: int, width: int) -> Tensor:
    """Images (B, C, h, w) continued below and on the right by their reflections, to and fro where one is not enough."""
    rows, columns = (
        _to_and_fro(length, wanted, images.device)
        for length, wanted in zip(images.shape[2:], (height, width), strict=True)
    )
    return images[..., rows[:, None], columns]


def _windows(axis: Axis) -> list[tuple[int, Tensor]]:
    return [*zip(axis.starts, axis.weights, strict=True)]


def _ramp(places: Tensor, middle: float, width: float) -> Tensor:
    """float32, from 0 to 1 within `width` about the middle; a step where that is 0."""
    share = ((places - middle) / width + 0.5).clamp(0, 1) if width else (places > middle).double()
    return ((1 - (torch.pi * share).cos()) / 2).float()


def _to_and_fro(length: int, wanted: int, device: torch.device) -> Tensor:
    period = max(1, 2 * (length - 1))
    places = torch.arange(wanted, device=device) % period
    return torch.minimum(places, period - places)
