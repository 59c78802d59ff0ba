"""What a batch draws depends on which batch it is, so that a resumed run draws what an uninterrupted one would have."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.hashing import mix


class Reseed(Callback):
    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        of_one_step = trainer.accumulate_grad_batches
        number = trainer.global_step * of_one_step + batch_idx % of_one_step
        seed = mix(self.seed, number, trainer.global_rank)
        torch.default_generator.manual_seed(seed)  # 3 us; torch.manual_seed takes 200
        if pl_module.device.type == "cuda":
            torch.cuda.manual_seed(seed)
