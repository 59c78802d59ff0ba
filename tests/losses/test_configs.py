"""Losses as a user puts them together, in files and on the command line."""

import pytest

from atelier.config import build, check
from atelier.losses import penalties
from atelier.losses.adversarial import Hinge
from atelier.run import fit, load

R1 = "+loss.penalties.r1={_target_: atelier.losses.penalties.R1, weight: 5, every: 4}"
CONSISTENCY = (
    "+loss.penalties.consistency={_target_: atelier.losses.penalties.Consistency, weight: 10, "
    "augment: {_target_: atelier.augment.base.Augment}}"
)


@pytest.mark.parametrize("loss", ["hinge", "wgan_gp", "dragan", "lecam"])
def test_a_penalty_is_added_to_any_loss_on_the_command_line(loss, composed):
    cfg = composed(f"loss={loss}", R1, CONSISTENCY, "model.discriminator.norm=null")
    check(cfg)
    own = set(composed(f"loss={loss}").loss.penalties)
    task = build(cfg.model, "model")
    assert set(task.penalties) == own | {"r1", "consistency"}
    assert (task.penalties["r1"].weight, task.penalties["r1"].every) == (5, 4)


def test_a_penalty_is_taken_from_a_loss_on_the_command_line(composed):
    cfg = composed("loss=lecam", "~loss.penalties.lecam")
    assert len(build(cfg.model, "model").penalties) == 0


def test_a_models_loss_keeps_penalties_of_the_command_line(composed):
    task = build(composed("model=wgan_gp", R1).model, "model")
    assert {name: type(penalty) for name, penalty in task.penalties.items()} == {
        "gradient_penalty": penalties.GradientPenalty,
        "r1": penalties.R1,
    }
    assert type(build(composed("model=wgan_gp", "loss=hinge").model, "model").adversary.objective) is Hinge


def test_weights_are_clipped_after_every_step_of_training(small_config, tmp_path):
    fit(small_config("loss=wgan", "model.discriminator.norm=null", f"run_dir={tmp_path}"), tmp_path, {})
    task, *_ = load(tmp_path)
    assert max(weights.abs().max() for weights in task.generator.parameters()) > 0.01
    assert max(weights.abs().max() for weights in task.discriminator.parameters()).item() == pytest.approx(0.01)
