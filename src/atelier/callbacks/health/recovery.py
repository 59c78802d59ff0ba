"""Back to the last state of a run that was healthy, while its count of steps goes on."""

from pathlib import Path

import torch
from pytorch_lightning import Trainer

from atelier import checkpoints
from atelier.callbacks.hyperparameters import settings_of

HEALTHY = "healthy.ckpt"


def path(trainer: Trainer) -> Path:
    return Path(trainer.default_root_dir) / checkpoints.FOLDER / HEALTHY


def save(trainer: Trainer) -> None:
    trainer.save_checkpoint(path(trainer))


def restore(trainer: Trainer) -> int:
    """Put back everything that was learnt; returns the step it was learnt by.

    That is the task's weights, averages and buffers, and the optimisers' moments. Learning rates and other settings
    stay those of the present step, as schedules are functions of the step alone. What a step draws and which pictures
    it sees follows from its number, so what comes now is not what came before.
    """
    settings = [[settings_of(group) for group in optimizer.param_groups] for optimizer in trainer.optimizers]
    with torch.inference_mode(False):  # validation's: optimisers could not step with tensors that are made in it
        content = checkpoints.read(path(trainer), trainer.strategy.root_device)
        trainer.strategy.load_model_state_dict(content)
        trainer.strategy.load_optimizer_state_dict(content)
    for optimizer, of_groups in zip(trainer.optimizers, settings, strict=True):
        for group, present in zip(optimizer.param_groups, of_groups, strict=True):
            group.update(present)
    return int(content["global_step"])
