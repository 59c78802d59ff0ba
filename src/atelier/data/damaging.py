"""Which pictures are damaged, where they are cropped and what befalls them: stateless as `stream` is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from atelier.data.crops import Crops
from atelier.data.fingerprint import digest_of
from atelier.data.pairing import CroppedStream
from atelier.data.types import Paired
from atelier.degradation.chain import Chain
from atelier.hashing import mix

_DAMAGE, _FIXED = 0x64616D616765, 0x6669786564
"""Mixed into the run's seed, so that damage does not follow the order of the pictures; and in the place of one."""


class DamageDraw(NamedTuple):
    """What one batch of damaged pictures is made of."""

    indices: np.ndarray
    """int64 (B,), places among the training pictures."""
    flips: np.ndarray
    """bool (B,), which are mirrored, before they are damaged."""
    corners: np.ndarray
    """int64 (B, 2), from 0 to the `margin`: the crop's top and left."""
    seeds: np.ndarray
    """int64 (B,), of what befalls each."""


class DamageStream(CroppedStream[DamageDraw]):
    """Pictures, where each is cropped, and what befalls it."""

    def draw(self, number: int) -> DamageDraw:
        raw = np.random.PCG64(mix(self.seed, _DAMAGE, number)).random_raw(3 * self.batch_size)
        mine = raw.reshape(-1, 3)[self._share]
        corners = (mine[:, :2] % np.uint64(self.margin + 1)).astype(np.int64)
        return DamageDraw(*self._pictures.draw(number), corners, (mine[:, 2] >> np.uint64(1)).astype(np.int64))


@dataclass(frozen=True)
class DamagedPairs:
    """Crops of `size` x `size` with what a chain makes of them."""

    pictures: Crops
    chain: Chain
    size: int
    masked: bool
    """Whether batches say what is lost."""
    reverse: bool
    """Whether the damaged picture is the target."""

    def __len__(self) -> int:
        return len(self.pictures)

    def batch(
        self,
        indices: np.ndarray,
        flips: np.ndarray,
        corners: np.ndarray | None = None,
        seeds: np.ndarray | None = None,
    ) -> Paired:
        """The pictures at `indices`, mirrored where `flips`, cut at `corners` and damaged by `seeds`, in [-1, 1].

        Without `corners` it is the middles; without `seeds` what befalls a picture depends on its index alone.
        """
        if corners is None:
            corners = np.full((len(indices), 2), (self.pictures.side - self.size) // 2)
        if seeds is None:
            seeds = np.array([mix(_FIXED, int(index)) for index in indices])
        whole = self.pictures.cut(indices, corners, self.size, flips)
        # [-1, 1] to [0, 1] and back is exact in floats for what comes from 8 bits: no damage, no difference
        images = whole.add(1).div_(2)
        damaged = [self.chain.damage(image, int(seed)) for image, seed in zip(images, seeds, strict=True)]
        content = torch.stack([each.image for each in damaged]).mul_(2).sub_(1)
        known = torch.stack([each.known for each in damaged]) if self.masked else None
        return Paired(whole, content) if self.reverse else Paired(content, whole, known)


@dataclass(frozen=True)
class DamagedMiddles:
    """What is learnt where pairs are reversed: damaged pictures, cut and damaged as those for validation are."""

    pairs: DamagedPairs
    labels: None = None

    @property
    def key(self) -> str:
        """Names their pixels."""
        return digest_of([self.pairs.pictures.key, str(self.pairs.size), self.pairs.chain.key])

    def __len__(self) -> int:
        return len(self.pairs)

    def batches(self, size: int) -> Iterator[Tensor]:
        """All of them in their order, uint8 (size, 3, H, W); the last batch may be smaller."""
        for indices in np.split(np.arange(len(self)), range(size, len(self), size)):
            damaged = self.pairs.batch(indices, np.zeros(len(indices), bool)).target
            yield damaged.add(1).mul_(127.5).round_().to(torch.uint8)
