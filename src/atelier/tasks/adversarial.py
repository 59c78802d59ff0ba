"""What every adversarial task needs of Lightning's manual optimisation, in one place."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer, do_nothing_closure
from torch import Tensor
from torch.nn import Parameter
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

OptimizerFactory = Callable[[Iterable[Parameter]], Optimizer]
ScheduleFactory = Callable[[Optimizer], LRScheduler]
Terms = dict[str, Tensor]


class AdversarialTask(LightningModule):
    """Several players, each with an optimiser of its own, stepped by hand.

    A subclass writes `training_step` in terms of `update` and returns the terms of all players. Lightning counts every
    optimiser's step as a global step; here only the first optimiser's count, so it must step once in every batch:
    then a step is a batch.
    """

    schedule_factory: ScheduleFactory
    """Makes the learning-rate schedule of each player."""

    def __init__(self, clip_norm: float | None = None) -> None:
        super().__init__()
        if clip_norm is not None and clip_norm <= 0:
            raise ValueError(f"clip_norm must be > 0 or null, got {clip_norm}")
        self.automatic_optimization = False
        self.clip_norm = clip_norm

    @abstractmethod
    def learners(self) -> Sequence[tuple[OptimizerFactory, Iterable[Parameter]]]:
        """Each player's optimiser and the weights that it moves; the first is the one that counts steps."""

    def configure_optimizers(self) -> Any:
        optimizers = [make(weights) for make, weights in self.learners()]
        return optimizers, [self.schedule_factory(optimizer) for optimizer in optimizers]

    def update(self, player: str, optimizer: LightningOptimizer, measure: Callable[[], Terms]) -> Terms:
        """One step on the sum of the terms that `measure` returns, with every other player frozen.

        Returns the terms, detached, as `player/term`.
        """
        self._count_only_first(optimizer)
        with self.toggled_optimizer(optimizer):
            optimizer.zero_grad()
            terms = measure()
            self.manual_backward(sum(terms.values()))  # type: ignore[arg-type]  # never empty
            optimizer.step()
        return {f"{player}/{name}": term.detach() for name, term in terms.items()}

    def players(self) -> list[LightningOptimizer]:
        """Their optimisers, in the order of `learners`."""
        optimizers = self.optimizers()
        return optimizers if isinstance(optimizers, list) else [optimizers]

    def advance_schedules(self) -> None:
        """Move every learning-rate schedule on by one batch."""
        schedules = self.lr_schedulers()
        with warnings.catch_warnings():
            # a player that has not had its first turn yet is no mistake
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            for schedule in schedules if isinstance(schedules, list) else [schedules]:
                schedule.step()  # type: ignore[union-attr]

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip, where gradients are to be clipped: by now they exist, and all but a fused optimiser's are unscaled.

        (Lightning's own clipping refuses a fused optimiser under every mixed precision.)
        """
        if self.clip_norm is None:
            return
        scaler = self.trainer.scaler
        if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
            scaler.unscale_(optimizer)
        clip_grad_norm_([weights for group in optimizer.param_groups for weights in group["params"]], self.clip_norm)

    def _count_only_first(self, optimizer: LightningOptimizer) -> None:
        if optimizer is not self.players()[0]:
            optimizer._on_before_step = optimizer._on_after_step = do_nothing_closure
