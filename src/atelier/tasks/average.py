"""The averaged generator: what one samples from."""

from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage(nn.Module):
    """A frozen copy that trails a network: parameters are averaged exponentially, buffers copied.

    The average starts short and lengthens: after `n` updates its decay is at most (1 + n) / (10 + n), so that early
    samples are not those of the initialisation.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.decay = decay
        self.network = deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, updates: int) -> None:
        """Move towards `network`, which has had `updates` optimiser steps so far."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        torch._foreach_lerp_([*self.network.parameters()], [*network.parameters()], 1 - decay)
        for average, current in zip(self.network.buffers(), network.buffers(), strict=True):
            average.copy_(current)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(*inputs)

    def train(self, mode: bool = True) -> "MovingAverage":
        return super().train(False)  # an average is only ever evaluated
