"""What the processes that train together know of one another's numbers. Alone, everything stays as it is."""

import atexit
import gc
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _together() else 1


def summed(values: Tensor) -> Tensor:
    """The sum over all processes, without a gradient; `values` may be changed in place."""
    if _together():
        dist.all_reduce(values)
    return values


def averaged(values: Tensor) -> Tensor:
    """The mean over all processes, without a gradient; `values` may be changed in place."""
    return summed(values) / count()


def gathered(rows: Tensor) -> Tensor:
    """The rows (B, …) of all processes one after the other, (count * B, …), without a gradient."""
    if not _together():
        return rows
    found = [torch.empty_like(rows) for _ in range(count())]
    dist.all_gather(found, rows.contiguous())
    return torch.cat(found)


def own(rows: Tensor) -> Tensor:
    """This process's part of gathered rows."""
    return rows.chunk(count())[dist.get_rank()] if _together() else rows


class Vote:
    """Whether any process says yes: asked in every step, known in the next, so that no step waits for an answer.

    All processes must ask equally often. It has a group of its own on the CPU, so that no device waits, either.
    """

    def __init__(self) -> None:
        self._group: Any = dist.new_group(backend="gloo") if _together() else None
        self._asked: tuple[Any, Tensor] | None = None

    def ask(self, yes: bool) -> bool:
        """Say yes or no; returns whether any process has said yes: alone now, together the time before."""
        if self._group is None:
            return yes
        answer = self.close()
        said = torch.tensor(float(yes))
        self._asked = dist.all_reduce(said, group=self._group, async_op=True), said
        return answer

    def close(self) -> bool:
        """What is still to be heard."""
        if self._asked is None:
            return False
        work, said = self._asked
        work.wait()
        self._asked = None
        return bool(said)


def part_at_exit() -> None:
    """Once all have come to the same end: each will wait for the threads of its groups before Python ends.

    They may still hold tensors of works that have been waited for; to let go of one while Python ends is SIGABRT.
    https://github.com/pytorch/pytorch/pull/179291
    """
    if _together():
        atexit.register(_part)


def _part() -> None:
    if _together():  # not parted already, by whoever brought them together
        dist.destroy_process_group()
    gc.collect()  # a group waits for its threads when nothing refers to it


def has_lost_others(error: BaseException) -> bool:
    """Whether this is what gloo and NCCL raise where another process has ended: they have no error of their own."""
    signs = "gloo/transport", "[Gloo]", "NCCL", "Connection closed by peer", "Connection reset by peer"
    raised = isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)
    return _together() and (raised or isinstance(error, dist.DistError))


def _together() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
