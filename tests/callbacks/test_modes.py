"""The watch over modes, in a short run and on a generator whose points one knows."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningModule

from atelier import run
from atelier.callbacks.modes import Modes
from atelier.data.gaussians import Gaussians
from atelier.record import table


class Marksman(LightningModule):
    """Hits the centre of each of the first `known` modes in turn."""

    def __init__(self, centres, known):
        super().__init__()
        self.centres, self.known, self.logged = centres, known, {}

    def sample(self, count, generator=None):
        return self.centres[torch.arange(count) % self.known][:, :, None, None]

    def log_dict(self, values):
        self.logged |= values


@pytest.fixture
def data():
    made = Gaussians(layout="ring", batch_size=1, seed=0, count=100)
    made.prepare()
    return made


@pytest.fixture
def trainer(tmp_path, data):
    return SimpleNamespace(
        datamodule=data, default_root_dir=str(tmp_path / "points" / "monday"), global_step=400, is_global_zero=True,
        loggers=[],
    )  # fmt: skip


@pytest.mark.parametrize("known", [8, 3])
def test_modes_are_counted_and_drawn(trainer, data, known):
    task = Marksman(data.centres, known)
    Modes(count=80, seed=7).on_validation_epoch_end(trainer, task)
    assert task.logged == {"val/modes": known, "val/good_samples": 1}
    with Image.open(Path(trainer.default_root_dir) / "samples/000400.png") as image:
        assert image.text == {"run": "points/monday", "step": "400", "seed": "7"}


def test_only_the_first_process_draws(trainer, data):
    trainer.is_global_zero = False
    Modes().on_validation_epoch_end(trainer, Marksman(data.centres, 8))
    assert not Path(trainer.default_root_dir).exists()


def test_data_whose_modes_are_not_known_are_refused(trainer):
    Modes().setup(trainer, LightningModule(), "fit")
    trainer.datamodule = SimpleNamespace()
    with pytest.raises(TypeError, match="the data has no known modes: leave callbacks.modes out"):
        Modes().setup(trainer, LightningModule(), "fit")


def test_counting_none_is_refused():
    with pytest.raises(ValueError, match="count must be >= 1, got 0"):
        Modes(count=0)


@pytest.mark.parametrize("experiment", ["ring", "grid"])
def test_the_experiments_run_to_their_end(experiment, composed, tmp_path):
    cfg = composed(
        f"experiment={experiment}", "trainer.max_steps=4", "trainer.val_check_interval=2", "model.generator.width=8",
        "model.discriminator.width=8", "data.count=600", "data.batch_size=64", "trainer.accelerator=cpu",
        "trainer.log_every_n_steps=2",
    )  # fmt: skip
    run.fit(cfg, tmp_path / "run", {"model": "points"})
    last = table.read(tmp_path / "run" / "metrics.csv")[-1]
    assert 0 <= last["val/modes"] <= 25
    assert 0 <= last["val/good_samples"] <= 1
    assert 0 <= last["health/recall"] <= 1
    assert sorted(path.name for path in (tmp_path / "run" / "samples").iterdir()) == ["000002.png", "000004.png"]
