"""The sliced Wasserstein distance in style: of the activations themselves, and no moments of theirs."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from atelier.losses.style import StyleDistance


class Places(NamedTuple):
    """The activations of each picture of a batch, in no order."""

    values: Tensor
    """Float32 (B, C, places)."""
    inside: Tensor
    """Which of them count; bool (B, 1, places)."""

    def merge(self, other: "Places") -> "Places":
        """Of both parts together; two tiles of one picture take the memory of both."""
        return Places(*(torch.cat(parts, 2) for parts in zip(self, other, strict=True)))


class Sliced(StyleDistance[Places]):
    """Squared 2-Wasserstein distance along random directions, the mean over them (Heitz et al. 2021, eq. 2 and 3).

    Directions, `directions` of them or as many as there are channels, are drawn anew at each call from torch's global
    generator, the same for both sides. Along each, the sorted activations are compared: where the pictures have unequal
    numbers of places, at the quantiles of the first one's, between which the target's are interpolated linearly (the
    paper repeats places). Regions are the places whose weight is above 0.5 (the paper adds a channel of tags).
    """

    def __init__(self, directions: int | None = None) -> None:
        super().__init__()
        if directions is not None and directions < 1:
            raise ValueError(f"directions must be >= 1 or null, got {directions}")
        self.directions = directions

    def describe(self, activation: Tensor, weight: Tensor | None = None) -> Places:
        values = activation.float().flatten(2)
        inside = torch.ones_like(values[:, :1], dtype=torch.bool) if weight is None else weight.flatten(2) > 0.5
        return Places(values, inside)

    def forward(self, description: Places, target: Places) -> Tensor:
        channels = description.values.shape[1]
        drawn = torch.randn(self.directions or channels, channels, device=description.values.device)
        directions = normalize(drawn, dim=1)
        mine, count = _sorted(description, directions)
        theirs, their_count = _sorted(target, directions)
        rank, some = torch.arange(mine.shape[2], device=mine.device), count.clamp(min=1)
        # value i of n is that of quantile (i + ½) / n; the ratio first, as it is 1 exactly where pictures are alike
        position = (rank + 0.5) * (their_count / some) - 0.5
        difference = torch.where(rank < count, mine - _at(position, theirs, their_count), 0)
        return difference.square().sum(2).mean(1) / some[:, 0, 0]

    def size(self, target: Places) -> Tensor:
        """Of all directions: what random ones find in the mean."""
        inside = target.inside.to(target.values)
        return (target.values.square() * inside).mean(1).sum(1) / inside.sum((1, 2)).clamp_min(1)


def _sorted(places: Places, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Activations along each of D directions in order, then zeros, (B, D, places), and how many count, (B, 1, 1)."""
    with torch.autocast(places.values.device.type, enabled=False):
        along = directions @ places.values
    ordered = along.masked_fill(~places.inside, torch.inf).sort(dim=2).values
    count = places.inside.sum(2, keepdim=True)
    rank = torch.arange(along.shape[2], device=along.device)
    return torch.where(rank < count, ordered, 0), count


def _at(position: Tensor, values: Tensor, count: Tensor) -> Tensor:
    """Between which of the first `count` (B, 1, 1) of values (B, D, places) positions (B, 1, P) are; (B, D, P)."""
    size = max(len(position), len(values)), values.shape[1], position.shape[2]
    last = (count - 1).clamp(min=0)
    position = position.clamp(min=0).minimum(last)
    below = position.long()
    above = (below + 1).minimum(last)
    low, high = (values.expand(size[0], -1, -1).gather(2, index.expand(size)) for index in (below, above))
    return low.lerp(high, position - below)
