"""Two pixel caches whose pictures belong together by their names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from atelier.data.cache import Cache
from atelier.data.crops import Crops
from atelier.data.origins import PICTURE
from atelier.data.split import split

TRAINING, HELD_OUT = "train", ("val", "test")
"""The folders into which pix2pix's data sets are divided."""


@dataclass(frozen=True)
class Joined:
    """The pairs of which both pictures could be used, in the order of their names."""

    contents: Cache
    targets: Cache
    names: tuple[str, ...]
    content_rows: np.ndarray
    """int64 (N,): which of the contents each pair has."""
    target_rows: np.ndarray
    left_out: int
    """How many pairs have a broken picture."""

    def split(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Which pairs are for training and which for validation; those of equal contents are on the same side."""
        return split(self.contents.digests[self.content_rows], held_out(self.names), share)

    def crops(self, pairs: np.ndarray) -> tuple[Crops, Crops]:
        """Contents and targets of some pairs."""
        return Crops(self.contents, self.content_rows[pairs]), Crops(self.targets, self.target_rows[pairs])


class PairLayout(Protocol):
    """How pairs lie in the user's folders."""

    def joined(self, size: int) -> Joined:
        """Every picture at size x size. Raises UserError for pictures that do not pair."""


def join(contents: Cache, targets: Cache, pair: Callable[[str], str]) -> Joined:
    """`pair` says to which pair a picture of that name belongs, each to its own; both caches know the names."""
    rows, others = _rows(contents, pair), _rows(targets, pair)
    names = sorted(rows.keys() & others.keys())
    content_rows, target_rows = (np.array([side[name] for name in names], np.int64) for side in (rows, others))
    left_out = len(rows) + contents.broken - len(names)
    return Joined(contents, targets, tuple(names), content_rows, target_rows, left_out)


def _rows(cache: Cache, pair: Callable[[str], str]) -> dict[str, int]:
    names, codes = cache.columns[PICTURE]
    return {pair(names[code]): row for row, code in enumerate(codes)}


def held_out(names: Sequence[str]) -> np.ndarray:
    """bool (N,): which lie in `val` or `test`, where all pictures lie in these or in `train`, and some in each kind."""
    folders = np.array([name.split("/")[0] if "/" in name else "" for name in names], object)
    training, others = folders == TRAINING, np.isin(folders, HELD_OUT)
    return others if training.any() and (training | others).all() else np.zeros(len(names), bool)
