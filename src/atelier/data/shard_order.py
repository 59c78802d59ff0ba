"""The order of training from shards: as random as can be where only a few shards are at hand at a time.

Every epoch has the shards in a new order, and the pictures of each in a new order, cut into `window` parts. Part j of
the shard that comes p-th is seen in segment p + j, mixed with the parts of the `window` - 1 shards before it. So a
picture moves anywhere within a window, one new shard is wanted at a time, and the first batch wants one shard alone.
How many pictures a segment has is known without drawing any: batch n is found without those before it.
"""

from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from typing import NamedTuple

import numpy as np

from atelier.data.stream import share_of
from atelier.hashing import mix

_SHARDS, _PICTURES, _SEGMENT = range(3)
"""What is drawn, so that no two draws of an epoch share their randomness."""


class ShardDraw(NamedTuple):
    """What one batch is made of; the first two of shape (B,)."""

    indices: np.ndarray
    """int64, places among the training pictures."""
    flips: np.ndarray
    """bool, which are mirrored."""
    ahead: np.ndarray
    """int64, numbers of the shards that will be wanted next, the next one first."""


class ShardOrder:
    """Batches of `batch_size` pictures. An epoch is a permutation of all, cut into whole batches.

    `pictures` says how many training pictures each shard has; they are numbered in the order of the shards. Rank `rank`
    of `world` has its slice of each batch, so that all of them see together what one would alone. Up to `window` + 1
    shards are wanted at a time, and `ahead` more are announced.
    """

    def __init__(
        self, pictures: Sequence[int], batch_size: int, seed: int, rank: int = 0, world: int = 1,
        hflip: bool = True, window: int = 8, ahead: int = 2,
    ) -> None:  # fmt: skip
        total = sum(pictures)
        if not 1 <= batch_size <= total:
            raise ValueError(f"batch_size must be from 1 to the {total} pictures, got {batch_size}")
        if batch_size % world:
            raise ValueError(f"batch_size must be a multiple of the {world} ranks, got {batch_size}")
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window}")
        self.batch_size, self.seed, self.hflip, self.window, self.ahead = batch_size, seed, hflip, window, ahead
        self._batches = total // batch_size  # of an epoch
        self._counts = np.asarray(pictures, np.int64)
        self._starts = np.cumsum(self._counts) - self._counts
        self._share = share_of(batch_size, rank, world)
        self._epochs: dict[int, _Epoch] = {}

    def since(self, number: int) -> Iterator[ShardDraw]:
        """Endless, from batch `number` on."""
        return map(self.draw, count(number))

    def draw(self, number: int) -> ShardDraw:
        """Batch `number`, from 0."""
        passed, place = divmod(number, self._batches)
        epoch = self._epoch(passed)
        indices, flips, segment = epoch.pictures(place * self.batch_size, self.batch_size)
        coming = epoch.shards[segment + 1 : segment + 1 + self.ahead]
        if len(coming) < self.ahead:
            following = self._epoch(passed + 1).shards[: self.ahead - len(coming)]
            coming = np.concatenate([coming, following])
        return ShardDraw(indices[self._share], flips[self._share] & self.hflip, coming)

    def _epoch(self, number: int) -> "_Epoch":
        if number not in self._epochs:
            self._epochs = {known: epoch for known, epoch in self._epochs.items() if abs(known - number) == 1}
            self._epochs[number] = _Epoch(self._counts, self._starts, self.window, self.seed, number)
        return self._epochs[number]


class _Epoch:
    """One pass through the training pictures."""

    def __init__(self, counts: np.ndarray, starts: np.ndarray, window: int, seed: int, number: int) -> None:
        self._counts, self._first, self._window = counts, starts, window
        self._seeds = seed, number
        keys = self._random(len(counts), _SHARDS)
        order = np.argsort(keys, kind="stable")
        self.shards = order[counts[order] > 0]
        sizes = np.zeros(len(self.shards) + window - 1, np.int64)
        cuts = [_cut(counts[self.shards], window, part) for part in range(window + 1)]
        for part, (begin, end) in enumerate(pairwise(cuts)):
            sizes[part : part + len(self.shards)] += end - begin
        self._ends = np.cumsum(sizes)  # of the segments
        self._drawn: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def pictures(self, start: int, number: int) -> tuple[np.ndarray, np.ndarray, int]:
        """`number` pictures from place `start` on, which of them are mirrored, and the segment of the last."""
        first, last = np.searchsorted(self._ends, [start, start + number - 1], side="right")
        segments = range(first, last + 1)
        self._drawn = {known: drawn for known, drawn in self._drawn.items() if known >= first}
        indices, flips = (np.concatenate(parts) for parts in zip(*map(self._segment, segments), strict=True))
        skipped = start - (self._ends[first - 1] if first else 0)
        return indices[skipped : skipped + number], flips[skipped : skipped + number], int(last)

    def _segment(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        if number not in self._drawn:
            parts = range(max(0, number - len(self.shards) + 1), min(self._window, number + 1))
            drawn = [self._part(self.shards[number - part], part) for part in parts]
            indices, flips = (np.concatenate(columns) for columns in zip(*drawn, strict=True))
            order = np.argsort(self._random(len(indices), _SEGMENT, number), kind="stable")
            self._drawn[number] = indices[order], flips[order]
        return self._drawn[number]

    def _part(self, shard: int, part: int) -> tuple[np.ndarray, np.ndarray]:
        # As in `data.stream`: raw output and a stable sort are the same in every version of numpy, and the lowest bit,
        # on which the order hardly ever depends, is left to say what is mirrored.
        count = self._counts[shard]
        keys = self._random(count, _PICTURES, int(shard))
        chosen = np.argsort(keys, kind="stable")[_cut(count, self._window, part) : _cut(count, self._window, part + 1)]
        return self._first[shard] + chosen, (keys[chosen] & 1).astype(bool)

    def _random(self, count: int, *what: int) -> np.ndarray:
        return np.random.PCG64(mix(*self._seeds, *what)).random_raw(int(count))


def _cut(count: np.ndarray, window: int, part: int) -> np.ndarray:
    """Where part `part` of `window` begins."""
    return count * part // window
