"""Processes that were started one by one begin together."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier import processes
from atelier.errors import RunError


class SameStart(Callback):
    """Refuses to train where processes would go on from different steps: some see another run folder than others."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before anything is loaded: who loads waits for the others to load."""
        self._compare(trainer, int(trainer.ckpt_path is not None))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._compare(trainer, trainer.global_step)

    def _compare(self, trainer: Trainer, mine: int) -> None:
        all_of_them = processes.gathered(torch.tensor([mine], device=trainer.strategy.root_device)).tolist()
        if len({*all_of_them}) > 1:
            raise RunError("the processes do not go on from the same step: run_dir must lie on a disk that all share")
