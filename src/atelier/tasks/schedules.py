"""Learning rates as functions of the step alone, so that a run which goes on for longer follows the longer schedule.

(torch's own linear and cosine schedules multiply the rate before: one that has reached nothing stays there.)
"""

import math
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def stepped(optimizer: Optimizer, make: Callable[[Optimizer], LRScheduler]) -> dict[str, Any]:
    """What Lightning is to be told of an optimiser whose schedule moves on with every batch, not with every epoch."""
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": make(optimizer), "interval": "step"}}


def linear(optimizer: Optimizer, steps: int, flat: float = 0.0) -> LambdaLR:
    """From the full rate to nothing after `steps` batches, of which a share of `flat` come first at the full rate."""
    _refuse_endless(steps)
    if not 0 <= flat < 1:
        raise ValueError(f"flat must be in [0, 1), got {flat}")
    return LambdaLR(optimizer, lambda step: min(1.0, max(0.0, 1 - step / steps) / (1 - flat)))


def cosine(optimizer: Optimizer, steps: int) -> LambdaLR:
    """Half a cosine, from the full rate to nothing after `steps` batches (Loshchilov & Hutter 2017, eq. 5)."""
    _refuse_endless(steps)
    return LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * min(1.0, step / steps))) / 2)


def _refuse_endless(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps must be >= 1, got {steps}: a rate that falls to nothing needs trainer.max_steps")
