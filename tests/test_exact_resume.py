"""A run that was interrupted and went on ends bit for bit where an uninterrupted one does (CPU)."""

import os
import signal

import pytest
import torch
from omegaconf import OmegaConf
from pytorch_lightning import Callback

from atelier import checkpoints, run
from atelier.errors import Interrupted

STEPS = 12


class Kill(Callback):
    """Sends this process a signal in the course of a step."""

    def __init__(self, step, number):
        self.step, self.number = step, number

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step - 1:
            os.kill(os.getpid(), self.number)


def compare(one, other):
    """Every tensor and number that training depends on."""
    first, second = (checkpoints.read(folder / "checkpoints" / "last.ckpt") for folder in (one, other))
    for part in ("global_step", "state_dict", "optimizer_states", "lr_schedulers"):
        equal(first[part], second[part], part)
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()


def equal(first, second, where):
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), where
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), where
        for key in first:
            equal(first[key], second[key], f"{where}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), where
        for index, pair in enumerate(zip(first, second, strict=True)):
            equal(*pair, f"{where}[{index}]")
    else:
        assert first == second, where


@pytest.mark.parametrize(
    ("model", "stop", "number"),
    [
        ("dcgan", 3, signal.SIGINT),  # between rows of the record and between validations
        ("wgan_gp", 7, signal.SIGTERM),  # between two turns of the generator
        ("wgan_gp", 8, signal.SIGINT),  # where a validation is due
        ("dcgan", 11, signal.SIGTERM),  # in the second epoch
    ],
)
def test_interrupted_and_resumed_is_uninterrupted(model, stop, number, small_config, tmp_path):
    cfg = small_config(f"model={model}", f"trainer.max_steps={STEPS}", "model.critic_steps=3", "schedule=linear")
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    run.fit(cfg, straight, {})

    with pytest.raises(Interrupted, match=f"stopped at step {stop}"):
        run.fit(cfg, broken, {}, [Kill(stop, number)])
    assert checkpoints.read(checkpoints.find(broken))["global_step"] == stop
    cfg = OmegaConf.load(broken / "recipe.yaml")
    cfg.resume = str(broken)
    run.fit(cfg, broken, {})
    compare(straight, broken)
