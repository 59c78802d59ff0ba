"""A task that falls ill on cue, trained on points in the plane, and what is said of it."""

import copy
import logging

import pytest
import torch
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch.utils.data import DataLoader

from atelier import checkpoints
from atelier.callbacks.health import Health
from atelier.callbacks.record import Record
from atelier.data.types import Images
from atelier.metrics.features import Coordinates
from atelier.record import table
from atelier.record.csv import CsvRecord


def normal(count, seed):
    return torch.randn(count, 2, 1, 1, generator=torch.Generator().manual_seed(seed))


class Points:
    def __init__(self, images):
        self.all = images

    def __len__(self):
        return len(self.all)

    def batch(self, indices, flips):
        return Images(self.all[indices], torch.zeros(len(indices)))


class Data(LightningDataModule):
    def __init__(self, held_out=64):
        super().__init__()
        self.train_pixels, self.validation_pixels = Points(normal(64, 1)), Points(normal(64, 2)[:held_out])

    def train_dataloader(self):
        return DataLoader([Images(normal(4, seed), torch.zeros(4)) for seed in range(40)], batch_size=None)

    def val_dataloader(self):
        parts = self.validation_pixels.all.split(40)
        return DataLoader([Images(part, torch.zeros(len(part))) for part in parts], batch_size=None)


class Gan(LightningModule):
    """Its samples vary by `width`, which training sets to what `cue` says for a step; gradients are `slope`."""

    classes = None

    def __init__(self, cue=None, slope=lambda step: 1.0, penalty=None, judge=None):
        super().__init__()
        self.automatic_optimization = False
        self.discriminator, self.generator = torch.nn.Linear(2, 1), torch.nn.Linear(2, 2)
        self.register_buffer("width", torch.ones(()))
        self.cue, self.slope, self.penalty = cue or {}, slope, penalty
        self.judge = judge or (lambda images: images.sum((1, 2, 3)))

    def configure_optimizers(self):
        return [torch.optim.Adam(self.discriminator.parameters(), lr=0.01)]

    def training_step(self, batch, batch_idx):
        step, optimizer = self.global_step + 1, self.optimizers()
        self.width.fill_(self.cue.get(step, self.width.item()))
        optimizer.zero_grad()
        logits = self.discriminator(batch.image.flatten(1)).mean() + 3
        self.manual_backward(logits * self.slope(step))
        optimizer.step()
        terms = {"discriminator/adversarial": logits.detach()}
        return terms | ({"discriminator/r1": torch.tensor(self.penalty)} if self.penalty is not None else {})

    def validation_step(self, batch, batch_idx): ...

    def sample(self, count, generator=None, labels=None):
        return torch.randn(count, 2, 1, 1, generator=generator) * self.width

    def logits(self, batch):
        return self.judge(batch.image)


class Diary(Callback):
    """The learnt state at the end of each validation, after health has acted."""

    def __init__(self):
        self.entries = {}

    def on_validation_end(self, trainer, task):
        optimizer = copy.deepcopy(trainer.optimizers[0].state_dict()["state"])
        self.entries[trainer.global_step] = (copy.deepcopy(task.state_dict()), optimizer)


@pytest.fixture
def points():
    """Draws points (count, 2, 1, 1); training shows the 64 of seed 1, and those of seed 2 are held out."""
    return normal


@pytest.fixture
def gan():
    """The class of the task, to make or to derive others from."""
    return Gan


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def fit(tmp_path):
    """Trains a task, with a validation after every second step, into `tmp_path` or a folder in it."""

    def train(task, folder=".", steps=12, every=4, held_out=64, watch=None, resume=None, **options):
        torch.manual_seed(0)
        trainer = Trainer(
            accelerator="cpu", max_steps=steps, max_epochs=-1, val_check_interval=2, check_val_every_n_epoch=None,
            log_every_n_steps=every, num_sanity_val_steps=0, logger=CsvRecord(tmp_path / folder),
            enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
            callbacks=[Record(), Health(Coordinates(), **{"count": 64, **options}), watch or Diary()],
            default_root_dir=str(tmp_path / folder), plugins=[checkpoints.WholeCheckpoints()],
        )  # fmt: skip
        trainer.fit(task, datamodule=Data(held_out), ckpt_path=resume)

    return train


@pytest.fixture
def column(tmp_path):
    """What `health/<name>` was at the steps that have it."""

    def read(name, folder="."):
        rows = table.read(tmp_path / folder / "metrics.csv")
        return {row["step"]: row[f"health/{name}"] for row in rows if f"health/{name}" in row}

    return read


@pytest.fixture
def told(caplog):
    """Everything that the house has warned of so far."""
    caplog.set_level(logging.WARNING, logger="atelier")
    return lambda: [record.getMessage() for record in caplog.records]
