"""Some of the pictures in shards, as the rest of the house sees them: tensors, fetched when asked for."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from atelier.data.fingerprint import key_of_pixels
from atelier.data.shard_cache import BadShard, OnBadShard, ShardCache
from atelier.data.tensors import channels_first, seen
from atelier.data.types import Images
from atelier.errors import RunError

log = logging.getLogger(__name__)


class StreamedPixels:
    """The pictures `rows` of shards, ascending; `digests`, uint8 (N, 16), and `codes`, int64 (N,), are of all pictures.

    With `on_bad_shard` "skip", pictures of a missing or damaged shard are replaced by those of the next one: always by
    the same. `token` names the run: its processes together tell of each such shard once.
    """

    key: str
    """Names these pictures' pixels, in this order: as a pixel cache would."""

    def __init__(
        self, cache: ShardCache, rows: np.ndarray, digests: np.ndarray, codes: np.ndarray | None,
        on_bad_shard: OnBadShard, token: str,
    ) -> None:  # fmt: skip
        self._cache, self._rows, self._on_bad_shard, self._token = cache, rows, on_bad_shard, token
        self.labels = None if codes is None else torch.from_numpy(codes[rows])
        self._starts = cache.index.starts
        self._bounds = np.searchsorted(rows, self._starts)  # of the shards among these pictures
        self.key = key_of_pixels(cache.index.image_size, digests[rows])

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def by_shard(self) -> np.ndarray:
        """int64 (shards,): how many of these pictures each has."""
        return np.diff(self._bounds)

    def images(self, start: int, stop: int) -> Tensor:
        """uint8 (n, 3, H, W), fewer than stop - start at the end."""
        return channels_first(self._gather(np.arange(start, min(stop, len(self))))[0])

    def batches(self, size: int) -> Iterator[Tensor]:
        """All of them in their order, uint8 (size, 3, H, W); the last batch may be smaller. Each shard is fetched once,
        the next one while this one is looked at."""
        used = np.flatnonzero(self.by_shard)
        for start in range(0, len(self), size):
            following = used[used > self._shards(np.array([start]))[0]]
            self._cache.expect(following[:1].tolist())
            yield self.images(start, start + size)

    def batch(self, indices: np.ndarray, flips: np.ndarray, ahead: np.ndarray | None = None) -> Images:
        """The pictures at `indices`, in [-1, 1], mirrored where `flips`; both of shape (B,).

        The shards `ahead` are fetched in the background meanwhile.
        """
        if ahead is not None:
            self._cache.expect(ahead.tolist())
        gathered, places = self._gather(indices)
        label = None if self.labels is None else self.labels[places]
        return Images(seen(channels_first(gathered), flips), label)

    def _gather(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 (n, H, W, 3), a copy; and which pictures these are, int64 (n,): others than asked for where a shard was
        skipped."""
        side = self._cache.index.image_size
        gathered, places = np.empty((len(indices), side, side, 3), np.uint8), np.array(indices, np.int64)
        shards = self._shards(places)
        for shard in np.unique(shards).tolist():
            chosen = shards == shard
            gathered[chosen], places[chosen] = self._read(shard, places[chosen])
        return gathered, places

    def _shards(self, places: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._bounds, places, side="right") - 1

    def _read(self, shard: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for other in [*range(shard, len(self.by_shard)), *range(shard)]:
            if not self.by_shard[other]:
                continue
            moved = self._bounds[other] + (places - self._bounds[shard]) % self.by_shard[other]
            try:
                return self._cache.pixels(other)[self._rows[moved] - self._starts[other]], moved
            except BadShard as error:
                if self._on_bad_shard == "raise":
                    raise BadShard(f"{error}; data.on_bad_shard=skip goes on without it") from error
                self._tell(other, str(error))
        raise RunError(f"data.root: none of the {len(self.by_shard)} shards can be used")

    def _tell(self, shard: int, text: str) -> None:
        """Once for all processes of this machine."""
        with suppress(OSError):
            os.close(os.open(self._cache.folder / f".bad-{self._token}-{shard}", os.O_CREAT | os.O_EXCL))
            bad = len([*self._cache.folder.glob(f".bad-{self._token}-*")])
            log.warning(
                "%s: skipped, its %d pictures are replaced by others (%d of %d shards skipped so far)",
                text, self.by_shard[shard], bad, len(self.by_shard),
            )  # fmt: skip


def forget_old_marks(folder: Path) -> None:
    """By which the processes of a run know what was told: those of runs that told nothing for a day."""
    for mark in folder.glob(".bad-*"):
        with suppress(OSError):
            if mark.stat().st_mtime < time.time() - 86_400:
                mark.unlink()
