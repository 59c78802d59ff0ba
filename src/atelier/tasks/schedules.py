"""Learning rates as functions of the step alone, so that a run which goes on for longer follows the longer schedule.

(torch's own linear and cosine schedules multiply the rate before: one that has reached nothing stays there.) All are
of one class, so that a run can go on with another.
"""

import math
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


def stepped(optimizer: Optimizer, make: Callable[[Optimizer], LRScheduler]) -> dict[str, Any]:
    """What Lightning is to be told of an optimiser whose schedule moves on with every batch, not with every epoch."""
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": make(optimizer), "interval": "step"}}


def constant(optimizer: Optimizer) -> LambdaLR:
    """The full rate throughout."""
    return LambdaLR(optimizer, lambda step: 1.0)


def linear(optimizer: Optimizer, steps: int, flat: float = 0.0) -> LambdaLR:
    """From the full rate to nothing after `steps` batches, of which a share of `flat` come first at the full rate."""
    _refuse_endless(steps)
    if not 0 <= flat < 1:
        raise ValueError(f"flat must be in [0, 1), got {flat}")
    return LambdaLR(optimizer, lambda step: min(1.0, max(0.0, 1 - step / steps) / (1 - flat)))


def cosine(optimizer: Optimizer, steps: int) -> LambdaLR:
    """Half a cosine, from the full rate to nothing after `steps` batches (Loshchilov & Hutter 2017, eq. 5)."""
    _refuse_endless(steps)
    return LambdaLR(optimizer, lambda step: _half_cosine(step / steps))


class BurnIn(LambdaLR):
    """From the full rate to a share of it in so many batches, along half a cosine, and the rate stays there.

    Meanwhile Adam's memory of squared gradients lengthens: its second beta goes from `second_beta` to the optimiser's
    own. Penalties may ease along (`atelier.losses.terms.Eased`). (Huang et al. 2024, the burn-in of R3GAN.)
    """

    def __init__(self, optimizer: Optimizer, steps: int, rate: float = 0.25, second_beta: float = 0.9) -> None:
        if steps < 1:
            raise ValueError(f"steps must be >= 1, got {steps}")
        for name, value in {"rate": rate, "second_beta": second_beta}.items():
            if not 0 < value < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {value}")
        if "betas" not in optimizer.defaults:
            raise ValueError(f"a burn-in needs an optimiser with betas, as Adam, got {type(optimizer).__name__}")

        first, last = optimizer.defaults["betas"]
        self._betas = lambda step: (first, last + _half_cosine(step / steps) * (second_beta - last))
        super().__init__(optimizer, lambda step: rate + _half_cosine(step / steps) * (1 - rate))
        # just before they are used: whoever loads a checkpoint may have put others there
        optimizer.register_step_pre_hook(self._set_betas)

    def _set_betas(self, optimizer: Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            group["betas"] = self._betas(self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        return {name: value for name, value in super().state_dict().items() if name != "_betas"}


def _half_cosine(share: float) -> float:
    """From 1 to 0 where share goes from 0 to 1; 0 from there on."""
    return (1 + math.cos(math.pi * min(1.0, share))) / 2


def _refuse_endless(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps must be >= 1, got {steps}: a rate that falls to nothing needs trainer.max_steps")
