"""What is done about a collapse: an end, or a way back."""

import pytest
import torch

from atelier import checkpoints
from atelier.errors import Diverged


def test_stop_ends_the_run_and_leaves_the_last_healthy_state(fit, gan, diary, told, tmp_path):
    with pytest.raises(Diverged, match=r"step 8: the samples have collapsed; .*resume=.*healthy\.ckpt goes on from it"):
        fit(gan({5: 0.0}), on_collapse="stop", watch=diary)
    assert [*diary.entries] == [2, 4, 6]  # what comes after health, the checkpoint, never saw the collapsed state
    kept = checkpoints.read(tmp_path / "checkpoints" / "healthy.ckpt")
    assert kept["global_step"] == 4
    torch.testing.assert_close(kept["state_dict"], dict(diary.entries[4][0]), rtol=0, atol=0)
    assert "rollback" not in told()[0]


def test_rollback_restores_bit_for_bit_while_steps_go_on(fit, gan, diary, told):
    fit(gan({5: 0.0}), on_collapse="rollback", watch=diary)
    (before, moments), (after, moments_after) = diary.entries[4], diary.entries[8]
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    torch.testing.assert_close(moments_after, moments, rtol=0, atol=0)
    assert not torch.equal(diary.entries[6][0]["discriminator.weight"], before["discriminator.weight"])
    assert not torch.equal(diary.entries[10][0]["discriminator.weight"], before["discriminator.weight"])
    assert [*diary.entries] == [2, 4, 6, 8, 10, 12]
    assert told()[1:] == ["health: at step 8 went back to the weights of step 4, rollback 1 of 3"]


def test_the_fourth_rollback_is_none(fit, gan, told):
    cue = dict.fromkeys([5, 9, 13, 17], 0.0)
    with pytest.raises(Diverged, match="step 20: the samples have collapsed again after 3 rollbacks"):
        fit(gan(cue), steps=24, on_collapse="rollback")
    assert [line.rpartition(", ")[2] for line in told()[1:]] == [f"rollback {number} of 3" for number in (1, 2, 3)]


def test_from_the_healthy_state_somebody_begins_anew_to_count(fit, gan, told, tmp_path):
    cue = dict.fromkeys([5, 9, 13, 17], 0.0)
    with pytest.raises(Diverged, match=r"resume=.*healthy\.ckpt goes on from it; try a smaller model"):
        fit(gan(cue), steps=24, on_collapse="rollback")
    healthy = tmp_path / "checkpoints" / "healthy.ckpt"
    fit(gan({19: 0.0}), steps=24, on_collapse="rollback", resume=healthy)
    assert told()[-1].endswith("rollback 1 of 3")


@pytest.mark.parametrize("act", ["stop", "rollback"])
def test_without_a_healthy_state_there_is_none_to_go_back_to(act, fit, gan):
    with pytest.raises(Diverged, match="step 4: the samples have collapsed, and there is no healthy state"):
        fit(gan({1: 0.0}), on_collapse=act, grace=0)


def test_learning_rates_stay_those_of_the_present_step(fit, gan, diary):
    class Slower(gan):
        def on_train_batch_start(self, batch, batch_idx):
            self.optimizers().param_groups[0]["lr"] = self.rate = 0.01 / (1 + self.global_step)

    class Look(type(diary)):
        def on_validation_end(self, trainer, task):
            self.entries[trainer.global_step] = (trainer.optimizers[0].param_groups[0]["lr"], task.rate)

    look = Look()
    fit(Slower({5: 0.0}), on_collapse="rollback", watch=look)
    assert look.entries[8] == (0.01 / 8, 0.01 / 8)
