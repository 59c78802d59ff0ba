"""Batches for training, without end, and for validation, each picture once.

Neither is a DataLoader: Lightning replaces the samplers of those it is given.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from atelier import signals
from atelier.data.children import deaf_children, obey_parent
from atelier.data.types import Images, Pair, Paired
from atelier.errors import RunError, UserError

Batch = Images | Pair | Paired

ENDLESS = 2**48
"""The length that a training loader reports: without one Lightning prefetches, and a larger one could overflow, since
Lightning adds up those of all ranks in 64 bits."""


class Collection(Protocol):
    """What batches are made of: the pixels of pictures, pairs of pictures, or points."""

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray, flips: np.ndarray) -> Batch:
        """The items at `indices`, mirrored where `flips`; both of shape (B,)."""
        ...


class Draws(Protocol):
    """The order of training. What it draws are the arguments of its collection's `batch`."""

    def since(self, number: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Endless, from batch `number` on."""
        ...


class TrainingLoader:
    """The batches of a stream, from batch `start` on."""

    def __init__(
        self, pixels: Collection, stream: Draws, start: int = 0, num_workers: int = 0, pin_memory: bool = False
    ) -> None:
        self.pixels, self.stream, self.batches = pixels, stream, start
        self.num_workers, self.pin_memory = num_workers, pin_memory

    def __len__(self) -> int:
        return ENDLESS

    def __iter__(self) -> Iterator[Batch]:
        """Goes on after the last batch that was handed out."""
        loader = DataLoader(
            _Batches(self.pixels),
            batch_size=None,
            sampler=self.stream.since(self.batches),
            num_workers=self.num_workers,
            pin_memory=self.pin_memory,
            worker_init_fn=obey_parent,
            generator=torch.Generator(),  # or the workers' seed is drawn from the training's own generator
        )
        with deaf_children(signals.NUMBERS):  # whoever stops a run may tell all of its processes; it needs its workers
            batches = iter(loader)
        for batch in batches:
            if isinstance(batch, Exception):
                raise batch
            self.batches += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Having one is how Lightning learns that this loader can be resumed."""
        return {"batches": self.batches}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Leaves `start` as it is: the state counts what was handed out, and where a run was interrupted
        within a step, the last batch has not been learnt from and must come again."""


class ValidationLoader:
    """Every `world`-th picture from the `rank`-th on, in order, as they are. The last batch may be smaller."""

    def __init__(self, pixels: Collection, batch_size: int, rank: int = 0, world: int = 1) -> None:
        self.pixels, self.batch_size = pixels, batch_size
        self._indices = np.arange(rank, len(pixels), world)

    def __len__(self) -> int:
        return -(-len(self._indices) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self._indices), self.batch_size):
            indices = self._indices[start : start + self.batch_size]
            yield self.pixels.batch(indices, np.zeros(len(indices), bool))


def has_lost_worker(error: BaseException) -> bool:
    """Whether this is what torch raises, wherever a run is just then, when a worker is killed."""
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader worker (pid")


class _Batches(Dataset[Batch | UserError | RunError]):
    """Its index is the draw of a whole batch: one gather, not one per picture."""

    def __init__(self, pixels: Collection) -> None:
        self.pixels = pixels

    def __getitem__(self, draw: tuple[np.ndarray, ...]) -> Batch | UserError | RunError:
        """What is told in one line is returned: raised in a worker, torch would make a whole traceback its text."""
        try:
            return self.pixels.batch(*draw)
        except (UserError, RunError) as error:
            return error
