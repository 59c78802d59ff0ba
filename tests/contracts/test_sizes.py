"""Every family at every size that pictures may have, and with spectral norm in both players."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from models import FAMILIES
from torch.nn.utils.parametrize import is_parametrized

from atelier.config import build

CONF = Path(__file__).parents[2] / "conf"


def tiny(name, size, *overrides):
    words = [f"model={name}", f"data.image_size={size}", "classes=2", "data.label=style", "run_dir=unused"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        narrow = ["model.generator.width=2", "model.discriminator.width=2"]
        cfg = compose("train", [*words, *narrow, *overrides])
    torch.manual_seed(0)
    return build(cfg.model, "model").train()


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
@pytest.mark.parametrize("name", FAMILIES)
def test_it_draws_and_judges_pictures_of_this_size(name, size):
    task = tiny(name, size)
    images = task.sample(2, torch.Generator().manual_seed(0))
    assert images.shape == (2, 3, size, size)
    assert images.isfinite().all()
    terms = task.discriminator_loss(images, torch.tensor([0, 1]), 1)
    assert all(term.isfinite() for term in terms.values())


@pytest.mark.parametrize("name", FAMILIES)
def test_spectral_norm_reaches_every_matrix_of_both_players(name):
    """But for BigGAN's embedding of classes, whose rows are inputs."""
    task = tiny(name, 32, "++model.generator.spectral_norm=true", "++model.discriminator.spectral_norm=true")
    for player in (task.generator, task.discriminator):
        weights = [(module, getattr(module, "weight", None)) for module in player.modules()]
        layers = [module for module, weight in weights if isinstance(weight, torch.Tensor) and weight.ndim > 1]
        if name == "biggan":
            layers = [layer for layer in layers if not isinstance(layer, torch.nn.Embedding)]
        assert layers
        assert all(is_parametrized(layer, "weight") for layer in layers)
