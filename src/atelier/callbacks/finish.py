"""A run ends with a validation, whether its number of steps is a multiple of the interval or not."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class ValidateLastStep(Callback):
    """Asks to stop at the last step, which is what makes Lightning validate there."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step == trainer.max_steps:
            trainer.should_stop = True
