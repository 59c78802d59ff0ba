"""Under Lightning: what an interrupted and resumed training sees is what an uninterrupted one sees."""

import warnings

import pytest
import pytorch_lightning as pl
import torch

from atelier.data.collections import Procedural


class Watcher(pl.LightningModule):
    """Notes the pictures of each step; stumbles once at the step `stumble`."""

    def __init__(self, stumble=None):
        super().__init__()
        self.automatic_optimization = False
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen, self.validated, self.stumble = [], 0, stumble

    def training_step(self, batch, batch_idx):
        if self.global_step == self.stumble:
            raise RuntimeError("stumbled")
        self.seen.append(batch.image)
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(self.weight * batch.image.mean())
        optimizer.step()

    def validation_step(self, batch, batch_idx):
        self.validated += len(batch.image)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Saving(pl.Callback):
    """A checkpoint of every step."""

    def __init__(self, folder):
        self.folder = folder

    def on_train_batch_end(self, trainer, *_):
        trainer.save_checkpoint(self.folder / f"{trainer.global_step}.ckpt")


@pytest.fixture
def fit(tmp_path):
    def fit_until(step, resume=None, stumble=None, num_workers=0):
        module = Watcher(stumble)
        trainer = pl.Trainer(
            accelerator="cpu", max_steps=step, max_epochs=-1, val_check_interval=5, check_val_every_n_epoch=None,
            callbacks=[Saving(tmp_path)], logger=False, enable_progress_bar=False, enable_model_summary=False,
            enable_checkpointing=False, num_sanity_val_steps=0,
        )  # fmt: skip
        # Four batches are an epoch of these pictures: the stream goes through several.
        data = Procedural(image_size=8, batch_size=8, seed=4, count=40, num_workers=num_workers)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "The `srun` command")  # a machine may have SLURM
            warnings.filterwarnings("ignore", ".*deprecated|.*LeafSpec")  # between Lightning and torch
            trainer.fit(module, data, ckpt_path=resume, weights_only=True)
        return module

    return fit_until


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stop", [3, 5, 8])
def test_resumed_training_sees_what_comes_next(fit, tmp_path, stop, num_workers):
    whole = fit(12)
    assert len(whole.seen) == 12
    assert whole.validated == 2 * 4
    fit(stop)
    resumed = fit(12, resume=tmp_path / f"{stop}.ckpt", num_workers=num_workers)
    assert len(resumed.seen) == 12 - stop
    torch.testing.assert_close(torch.stack(resumed.seen), torch.stack(whole.seen[stop:]), rtol=0, atol=0)


def test_a_batch_that_was_not_learnt_from_comes_again(fit, tmp_path):
    whole = fit(9)
    with pytest.raises(RuntimeError, match="stumbled"):
        fit(9, stumble=6)
    resumed = fit(9, resume=tmp_path / "6.ckpt")
    torch.testing.assert_close(torch.stack(resumed.seen), torch.stack(whole.seen[6:]), rtol=0, atol=0)


def test_one_epoch_that_never_ends(fit):
    assert fit(12).trainer.num_training_batches > 10**12
