"""Each player's optimiser is an option: of a model, and of the command line."""

import pytest

from atelier.config import build, check

PLAYERS = "generator", "discriminator"


def optimizers(cfg):
    return {player: cfg.model[f"{player}_optimizer"]._target_.rpartition(".")[2] for player in PLAYERS}


@pytest.mark.parametrize(
    ("model", "own"), [("dcgan", "Adam"), ("wgan_gp", "Adam"), ("wgan", "RMSprop"), ("points", "Adam")]
)
def test_a_models_optimizers_are_its_own(model, own, composed):
    assert optimizers(composed(f"model={model}")) == dict.fromkeys(PLAYERS, own)


def test_the_command_line_chooses_for_one_player(composed):
    cfg = composed("model=wgan", "optimizer@model.discriminator_optimizer=adam")
    check(cfg)
    assert optimizers(cfg) == {"generator": "RMSprop", "discriminator": "Adam"}


def test_a_recipes_numbers_stay_when_it_overrides_some(composed):
    own, base = (composed(f"model={model}").model.generator_optimizer for model in ("wgan_gp", "dcgan"))
    assert own == {**base, "lr": 1e-4, "betas": [0.0, 0.9]}


def test_algorithm_1_of_wgan(composed):
    """Arjovsky et al. 2017: clipping at 0.01, five critic steps, RMSprop at 0.00005."""
    cfg = composed("model=wgan")
    task = build(cfg.model, "model")
    assert task.critic_steps == 5
    assert [penalty.limit for penalty in task.penalties.values()] == [0.01]
    assert [optimizer.param_groups[0]["lr"] for optimizer in task.configure_optimizers()[0]] == [5e-5, 5e-5]
