import pytest
from omegaconf import OmegaConf

from atelier.callbacks.health.advice import anew, remedies


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ([], "loss=wgan_gp model.discriminator.norm=null or augment=diffaugment"),
        (["model=sngan"], "loss=wgan_gp or augment=diffaugment"),
        (["model=sngan", "augment=ada"], "loss=wgan_gp"),
        (["model=wgan_gp"], "augment=diffaugment"),
        (["model=wgan_gp", "augment=diffaugment"], ""),
        (["experiment=ring", "loss=wgan_gp"], ""),
        (["experiment=ring"], "loss=wgan_gp"),
    ],
)
def test_nothing_is_advised_that_the_run_has_or_cannot_have(overrides, told, composed, tmp_path):
    OmegaConf.save(composed(*overrides), tmp_path / "config.yaml")
    assert anew(tmp_path) == told
    in_a_new_run = f", or {told} in a new run" if told else ""
    assert remedies(tmp_path) == f"a smaller model.generator_optimizer.lr{in_a_new_run}"
