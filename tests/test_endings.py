"""How a run ends that does not come to its last step: what is told of it, and what can be gone on from."""

import json
import signal

import pytest
import torch
from pytorch_lightning import Callback

from atelier import checkpoints, run
from atelier.errors import Interrupted, RunError


def test_a_run_that_diverges_says_where_and_keeps_its_last_good_checkpoint(small_config, tmp_path):
    class Poison(Callback):
        def on_train_batch_start(self, trainer, task, *_):
            if trainer.global_step == 5:
                next(task.generator.parameters()).data.fill_(torch.nan)

    with pytest.raises(RunError, match=r"step 6: the loss term (discriminator|generator)/adversarial is nan"):
        run.fit(small_config(), tmp_path, {}, [Poison()])
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["status"] == "failed"
    assert "step 6" in record["reason"]
    good = checkpoints.read(tmp_path / "checkpoints" / "last.ckpt")
    assert good["global_step"] == 4
    assert all(weights.isfinite().all() for weights in good["state_dict"].values())


def test_a_full_disk_is_told_and_the_loggers_are_closed(small_config, tmp_path, monkeypatch):
    def full(content, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RunError, match=r"cannot write the checkpoint .*: No space left"):
        run.fit(small_config(), tmp_path, {})
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_validation_waits_for_its_end(number, small_config, tmp_path):
    class Kill(Callback):
        def on_validation_batch_start(self, trainer, task, batch, batch_idx, *_):
            if trainer.global_step == 4 and batch_idx == 0:
                signal.raise_signal(number)

    cfg = small_config("data.validation=0.4", "data.batch_size=4")  # several batches of validation
    with pytest.raises(Interrupted, match="stopped at step 4"):
        run.fit(cfg, tmp_path, {}, [Kill()])
    assert checkpoints.read(checkpoints.find(tmp_path))["global_step"] == 4
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_training_is_an_interruption_too(number, small_config, tmp_path):
    class Kill(Callback):
        def on_fit_start(self, *_):
            signal.raise_signal(number)

    former = signal.getsignal(number)
    with pytest.raises(Interrupted):
        run.fit(small_config(), tmp_path, {}, [Kill()])
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "interrupted"
    assert signal.getsignal(number) == former
