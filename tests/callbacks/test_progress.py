import io
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Timer
from rich.console import Console
from torch.utils.data import DataLoader

from atelier.callbacks import progress
from atelier.callbacks.checkpoints import Checkpoints
from atelier.callbacks.progress import Progress
from atelier.callbacks.record import Record
from atelier.data.types import Images
from atelier.record.speed import Speed


class Learner(LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.automatic_optimization = False

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch, batch_idx):
        loss = (self.weight - 1).square()
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()
        return {"generator/adversarial": loss.detach()}

    def validation_step(self, batch, batch_idx):
        self.log_dict({"step": float(self.global_step), "val/fid": {4: 3.0, 8: 5.0}[self.global_step]})


def fit(folder, console, monkeypatch, **options):
    monkeypatch.setattr(progress, "console", console)
    batches = DataLoader([Images(torch.zeros(16, 3, 2, 2), torch.zeros(16))] * 8, batch_size=None)
    trainer = Trainer(
        accelerator="cpu", max_steps=8, max_epochs=-1, val_check_interval=4, check_val_every_n_epoch=None,
        log_every_n_steps=2, limit_val_batches=1, num_sanity_val_steps=0, logger=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
        callbacks=[Record(), Progress(), Checkpoints(folder, "val/fid"), *options.get("more", [])],
        default_root_dir=str(folder),
    )  # fmt: skip
    trainer.fit(options.get("task", Learner()), batches, batches)
    return console.file.getvalue()


def test_a_log_file_gets_one_line_per_validation(tmp_path, monkeypatch):
    told = fit(tmp_path, Console(file=io.StringIO(), width=40), monkeypatch)

    first, second = told.splitlines()
    assert first.startswith("step 4 / 8 | ")
    assert "images/s" in first
    assert "| generator/adversarial 0.2621 | val/fid 3 (best 3 at step 4)" in first
    assert second.startswith("step 8 / 8 | ")
    assert second.endswith("val/fid 5 (best 3 at step 4)")


def test_a_terminal_gets_a_bar(tmp_path, monkeypatch):
    told = fit(tmp_path, Console(file=io.StringIO(), force_terminal=True, width=110), monkeypatch)

    assert "validating" in told
    assert "fid 5 (best 3 at step 4)" in told.splitlines()[-2]


def test_the_time_left_is_no_longer_than_the_run_may_take(tmp_path, monkeypatch):
    limit = Timer({"hours": 2})
    monkeypatch.setattr(limit, "time_remaining", lambda: 61.0)
    monkeypatch.setattr(Speed, "seconds_left", lambda *_: 753.0)

    told = fit(tmp_path, Console(file=io.StringIO(), width=40), monkeypatch, more=[limit])

    assert "1:01 min left" in told
    assert "12:33" not in told


def test_a_run_that_breaks_gives_the_terminal_back(tmp_path, monkeypatch):
    class Broken(Learner):
        def validation_step(self, batch, batch_idx):
            raise KeyError("broken")

    console = Console(file=io.StringIO(), force_terminal=True, width=110)
    with pytest.raises(KeyError, match="broken"):
        fit(tmp_path, console, monkeypatch, task=Broken())

    told = console.file.getvalue()
    assert told.rindex("\x1b[?25h") > told.rindex("\x1b[?25l")  # the cursor is shown again


class Shy:
    """A loss that counts how often it is looked at: on a GPU each look waits for the device."""

    looks = 0

    def item(self):
        self.looks += 1
        return 0.5


@pytest.fixture
def trainer(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "console", Console(file=io.StringIO(), width=40))
    record = Record()
    record.latest = {"generator/adversarial": Shy()}
    return SimpleNamespace(
        global_step=0, max_steps=100, is_global_zero=True, log_every_n_steps=5,
        callbacks=[record, Checkpoints(tmp_path, None)], callback_metrics={},
    )  # fmt: skip


def test_losses_are_looked_at_only_when_they_are_logged(trainer):
    bar = Progress()
    bar.on_train_start(trainer, None)
    for trainer.global_step in range(1, 21):
        bar.on_train_batch_end(trainer, None, {}, None, 0)

    assert trainer.callbacks[0].latest["generator/adversarial"].looks == 4


def test_without_a_best_there_is_none_to_show(trainer):
    bar = Progress()
    bar.on_train_start(trainer, None)
    trainer.callback_metrics = {"val/fid": torch.tensor(3.0), "step": torch.tensor(5.0)}
    bar.on_validation_start(trainer, None)
    bar.on_validation_end(trainer, None)

    assert progress.console.file.getvalue().endswith("val/fid 3\n")


def test_only_the_first_process_shows_anything(trainer):
    trainer.is_global_zero = False
    bar = Progress()
    bar.on_train_start(trainer, None)
    bar.on_train_batch_end(trainer, None, {}, None, 0)
    bar.on_validation_start(trainer, None)
    bar.on_validation_end(trainer, None)
    bar.on_train_end(trainer, None)

    assert progress.console.file.getvalue() == ""
