"""A run that goes on has its config's learning rates, not its checkpoint's: so they can be changed between."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim.lr_scheduler import LambdaLR


class Hyperparameters(Callback):
    """Keeps what the optimisers were made with when their state is loaded.

    Checkpoints hold the moments of optimisers and their learning rates, betas and so on alike. A rate has its place in
    the schedule, which may be another than the checkpoint's: longer, or of another kind.
    """

    def __init__(self) -> None:
        self._asked: list[list[dict[str, Any]]] = []

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        for state in checkpoint["lr_schedulers"]:
            state.setdefault("lr_lambdas", [])  # a schedule of torch's own may have been exchanged for one of ours

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._asked = [[settings_of(group) for group in optimizer.param_groups] for optimizer in trainer.optimizers]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for optimizer, groups in zip(trainer.optimizers, self._asked, strict=True):
            for group, asked in zip(optimizer.param_groups, groups, strict=True):
                _change(group, asked)
        for config in trainer.lr_scheduler_configs:
            groups = config.scheduler.optimizer.param_groups
            config.scheduler.base_lrs = [group["initial_lr"] for group in groups]
            _place(config.scheduler)


def _place(schedule: Any) -> None:
    """Where a schedule is a function of the step alone, set the rates of the step it has come to."""
    if isinstance(schedule, LambdaLR):
        rates = [
            base * factor(schedule.last_epoch)
            for base, factor in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
        ]
        for group, rate in zip(schedule.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


def settings_of(group: dict[str, Any]) -> dict[str, Any]:
    """All that a group of parameters is stepped with: its learning rate, betas and so on."""
    return {key: value for key, value in group.items() if key != "params"}


def _change(group: dict[str, Any], asked: dict[str, Any]) -> None:
    former, now = (some.get("initial_lr", some["lr"]) for some in (group, asked))
    rate = group["lr"] if now == former else now * (group["lr"] / former if former else 1)
    group.update({**asked, "lr": rate})
