"""Tiny networks that translate, and what training steps of their tasks do."""

from functools import partial

import torch
from pytorch_lightning import Callback, Trainer
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import ConstantLR

from atelier.losses import translation as losses
from atelier.losses.adversarial import LeastSquares
from atelier.networks.patch import PatchDiscriminator
from atelier.networks.translator import Translator

SIDE = 16


class Small(Translator):
    """Two convolutions, with the map in between to be looked at."""

    def __init__(self, masked=False, scale=1, norm=None):
        super().__init__(masked, scale)
        self.widths = {"pixels": self.inputs, "middle": 4}
        self.first = nn.Conv2d(self.inputs, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm == "batch" else nn.Identity()
        self.last = nn.Sequential(nn.Conv2d(4, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, pictures):
        return self.last(self.norm(self.first(pictures)).relu()).tanh()

    def features(self, pictures, names):
        found = {"pixels": pictures, "middle": self.first(pictures)}
        return {name: found[name] for name in names}


class Same(Translator):
    """Gives back what it is given, and has a weight all the same."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, pictures):
        return self.gain * pictures


def parts(**changes):
    """What every translation task takes."""
    torch.manual_seed(0)
    common = {
        "generator": Small,
        "discriminator": partial(PatchDiscriminator, width=4, layers=1),
        "objective": LeastSquares(),
        "penalties": {},
        "terms": {"adversarial": losses.Adversarial(1.0)},
        "generator_optimizer": partial(Adam, lr=1e-3),
        "discriminator_optimizer": partial(Adam, lr=1e-3),
        "schedule": partial(ConstantLR, factor=1.0),
    }
    return {**common, **changes}


def plain_descent(rate):
    return {name: partial(SGD, lr=rate) for name in ("generator_optimizer", "discriminator_optimizer")}


def pictures(count, seed=1, side=SIDE):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Watch(Callback):
    """Notes the step, the terms, and whose weights moved."""

    def __init__(self):
        self.steps, self.terms, self.moved = [], [], []

    def on_train_batch_start(self, trainer, task, *_):
        self.before = {name: weights.clone() for name, weights in task.named_parameters()}

    def on_train_batch_end(self, trainer, task, outputs, *_):
        self.steps.append(trainer.global_step)
        self.terms.append(outputs)
        changed = {name for name, weights in task.named_parameters() if not torch.equal(weights, self.before[name])}
        self.moved.append({name.partition(".")[0] for name in changed})


def train(task, batches):
    """One step for each batch; what was seen of them."""
    watch = Watch()
    trainer = Trainer(
        max_steps=len(batches), accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[watch], max_epochs=-1,
    )  # fmt: skip
    trainer.fit(task, torch.utils.data.DataLoader(batches, batch_size=None))
    return watch
