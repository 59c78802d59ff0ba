"""Processes that were started one by one begin together."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier import processes
from atelier.errors import RunError


class SameStart(Callback):
    """Refuses to train where processes go on from different steps: some see another run folder than others.

    `step` is the one that this process goes on from; None where it begins.
    """

    def __init__(self, step: int | None) -> None:
        self.step = -1 if step is None else step

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Before anything is loaded: who loads waits for the others to load."""
        steps = processes.gathered(torch.tensor([self.step], device=trainer.strategy.root_device)).tolist()
        if len({*steps}) > 1:
            raise RunError("the processes do not go on from the same step: run_dir must lie on a disk that all share")
