import pytest
from omegaconf import OmegaConf

from atelier.callbacks.health.advice import remedies


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ([], "loss=wgan_gp model.discriminator.norm=null or augment=diffaugment in a new run, or a smaller"),
        (["model=sngan"], "loss=wgan_gp or augment=diffaugment in a new run, or a smaller"),
        (["model=sngan", "augment=ada"], "loss=wgan_gp in a new run, or a smaller"),
        (["model=wgan_gp"], "augment=diffaugment in a new run, or a smaller"),
        (["model=wgan_gp", "augment=diffaugment"], "a smaller"),
        (["experiment=ring", "loss=wgan_gp"], "a smaller"),
        (["experiment=ring"], "loss=wgan_gp in a new run, or a smaller"),
    ],
)
def test_nothing_is_advised_that_the_run_has_or_cannot_have(overrides, told, composed, tmp_path):
    OmegaConf.save(composed(*overrides), tmp_path / "config.yaml")
    assert remedies(tmp_path) == told
