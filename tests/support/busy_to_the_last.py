"""A callback for whole runs: one of torch's own threads is still at work when its process ends."""

import sys
import time

import torch
import torch.distributed as dist
from pytorch_lightning import Callback, LightningModule, Trainer

A_WHILE = 1.0
"""Seconds in which a process that does not wait for its threads has come to its end."""


class BusyToTheLast(Callback):
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        group = dist.new_group(backend="gloo")
        dist.all_reduce(torch.zeros(1), group=group, async_op=True).get_future().then(work_on)


def work_on(_: object) -> None:
    """Until Python ends, which no thread that holds Python's objects survives; or until this was long enough."""
    enough = time.monotonic() + A_WHILE
    while not sys.is_finalizing() and time.monotonic() < enough:
        pass
