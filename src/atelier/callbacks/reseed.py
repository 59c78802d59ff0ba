"""What a step draws depends on which step it is, so that a resumed run draws what an uninterrupted one would have."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.hashing import mix


class Reseed(Callback):
    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        seed = mix(self.seed, trainer.global_step, trainer.global_rank)
        torch.default_generator.manual_seed(seed)  # 3 us; torch.manual_seed takes 200
        if pl_module.device.type == "cuda":
            torch.cuda.manual_seed(seed)
