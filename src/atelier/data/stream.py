"""The order of training: one endless stream. Batch number n depends on the seed and on n, on nothing else.

So there is one Lightning epoch that never ends, the number of a step says what it sees, and going on from a
checkpoint means starting at its number. Neither workers nor ranks change what is drawn.
"""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np

from atelier.hashing import mix


class Draw(NamedTuple):
    """What one batch is made of, both of shape (B,)."""

    indices: np.ndarray
    """int64, places among the training pictures."""
    flips: np.ndarray
    """bool, which are mirrored."""


class Stream:
    """Batches of `batch_size` out of `pictures` pictures. An epoch is a permutation, cut into whole batches.

    Rank `rank` of `world` has its slice of each batch, so that all of them see together what one would alone.
    """

    def __init__(
        self, pictures: int, batch_size: int, seed: int, rank: int = 0, world: int = 1, hflip: bool = True
    ) -> None:
        if not 1 <= batch_size <= pictures:
            raise ValueError(f"batch_size must be from 1 to the {pictures} pictures, got {batch_size}")
        if batch_size % world:
            raise ValueError(f"batch_size must be a multiple of the {world} ranks, got {batch_size}")
        self.pictures, self.batch_size, self.seed, self.hflip = pictures, batch_size, seed, hflip
        self._share = share_of(batch_size, rank, world)
        self._epoch: int | None = None

    def since(self, number: int) -> Iterator[Draw]:
        """Endless, from batch `number` on."""
        return map(self.draw, count(number))

    def draw(self, number: int) -> Draw:
        """Batch `number`, from 0."""
        epoch, place = divmod(number, self.pictures // self.batch_size)
        if epoch != self._epoch:
            self._begin(epoch)
        indices = self._order[place * self.batch_size :][self._share]
        return Draw(indices, self._flips[indices])

    def _begin(self, epoch: int) -> None:
        # The bit generator's raw output and a stable sort are the same in every version of numpy; its
        # `permutation` need not be. The lowest bits, on which the order hardly ever depends, are left to say
        # what is mirrored.
        keys = np.random.PCG64(mix(self.seed, epoch)).random_raw(self.pictures)
        self._order = np.argsort(keys, kind="stable")
        self._flips = (keys & 1).astype(bool) & self.hflip
        self._epoch = epoch


def share_of(batch_size: int, rank: int, world: int) -> slice:
    """This rank's part of each batch."""
    return slice(rank * batch_size // world, (rank + 1) * batch_size // world)
