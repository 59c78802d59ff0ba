"""Gradients between processes, of tasks whose players take turns."""

from typing import Any

import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor
from torch.futures import Future


class InTurns(DDPStrategy):
    """Distributed data parallel training, in which only the player that learns has its gradients exchanged.

    In each player's turn the weights of the others are unused and frozen. Torch's own exchange would send their
    gradients all the same, as zeros.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "find_unused_parameters": True})

    def configure_ddp(self) -> None:
        super().configure_ddp()
        model: Any = self.model
        model.register_comm_hook(None, lambda _, bucket: exchange(bucket))


def exchange(bucket: Any) -> Future[Tensor]:
    """A GradBucket's gradients; the span from the first to the last whose weights learn is averaged over all
    processes."""
    buffer, learning = bucket.buffer(), _learning(bucket)
    if not learning:
        unchanged: Future[Tensor] = Future()
        unchanged.set_result(buffer)
        return unchanged
    begin = min(gradient.storage_offset() for gradient in learning) - buffer.storage_offset()
    end = max(gradient.storage_offset() + gradient.numel() for gradient in learning) - buffer.storage_offset()
    part = buffer[begin:end].div_(dist.get_world_size())
    work = dist.all_reduce(part, async_op=True)
    assert work is not None
    averaged: Future[Tensor] = work.get_future().then(lambda _: buffer)
    return averaged


def _learning(bucket: Any) -> list[Tensor]:
    pairs = zip(bucket.parameters(), bucket.gradients(), strict=True)
    return [gradient for weights, gradient in pairs if weights.requires_grad]
