"""Batch norm over the pictures of all processes, on every kind of device."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class SynchronizedBatchNorm2d(nn.BatchNorm2d):
    """As `nn.BatchNorm2d` of the whole batch, of which each of the processes has an equal share.

    (torch's own SyncBatchNorm refuses the CPU, and a second derivative.)
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or not dist.is_initialized():
            return super().forward(input)
        values = input.float()
        mean = _averaged(values.mean((0, 2, 3)))
        centred = values - mean[:, None, None]
        variance = _averaged(centred.square().mean((0, 2, 3)))
        self._remember(mean, variance, values.numel() // values.shape[1] * dist.get_world_size())
        scale = (variance + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        normalized = centred * scale[:, None, None]
        return (normalized if self.bias is None else normalized + self.bias[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, places: int) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        rate = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, rate)
        self.running_var.lerp_(variance * places / max(1, places - 1), rate)


def synchronize(network: nn.Module) -> None:
    """Let every batch norm in it be of all processes; its weights and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SynchronizedBatchNorm2d


def _averaged(values: Tensor) -> Tensor:
    return _Sum.apply(values) / dist.get_world_size()


class _Sum(torch.autograd.Function):
    """Over all processes, and so is its gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> Tensor:
        return _Sum.apply(slopes.contiguous())
