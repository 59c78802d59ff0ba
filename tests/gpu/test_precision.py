"""One step on a GPU is that of the CPU, and penalties have all of float32 in a run of half precision."""

from copy import deepcopy

import pytest
import torch
from accelerated import DEVICE
from same_draws import SameDraws

from atelier.config import build
from atelier.labels import presume

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("all_of_float32")]

MODELS = ("dcgan", "wgan_gp", "dragan", "r3gan", "stylegan2", "biggan", "fastgan")
STEP = 16
"""In which every term is due."""


def tasks(cfg):
    """On the CPU, and the same on the device."""
    torch.manual_seed(0)
    task = build(presume(cfg).model, "model")
    return task, deepcopy(task).to(DEVICE)


def pictures(cfg, count=4):
    size = cfg.data.image_size
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def step(task, real, player):
    """The terms of a player's loss, and its gradient as one vector."""
    real, weights = real.to(task.device), [*getattr(task, player).parameters()]
    labels = torch.arange(len(real), device=task.device) % task.classes if task.classes else None
    with SameDraws():
        terms = getattr(task, f"{player}_loss")(real, labels, STEP)
    slopes = torch.autograd.grad(sum(terms.values()), weights, allow_unused=True)
    return terms, torch.cat([slope.flatten().cpu() for slope in slopes if slope is not None])


def apart(found, expected):
    """Over the size of what is expected."""
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("player", ["discriminator", "generator"])
@pytest.mark.parametrize("model", MODELS)
def test_losses_and_gradients_are_those_of_the_cpu(model, player, tiny):
    """Up to the rounding of sums in another order: terms to 1e-4, the gradient to 1e-3 of its norm."""
    cfg = tiny(model)
    (expected, slopes), (found, own) = (step(task, pictures(cfg), player) for task in tasks(cfg))
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        assert found[name].item() == pytest.approx(term.item(), rel=1e-4, abs=1e-5), name
    assert slopes.norm() > 0
    assert apart(own, slopes) < 1e-3


def critique_terms(task, real, fake, dtype=None):
    """Of the discriminator, for the same images and the same draws."""
    with torch.autocast(DEVICE, dtype or torch.bfloat16, enabled=dtype is not None), SameDraws():
        return task.adversary.loss(real.to(task.device), fake.to(task.device), None, STEP)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize(
    ("model", "names"),
    [("wgan_gp", ["gradient_penalty"]), ("r3gan", ["r1", "r2"]), ("stylegan2", ["r1"]), ("dragan", ["dragan"])],
)
def test_penalties_are_those_of_float32(model, names, dtype, tiny):
    """To 1e-4, where half precision would be 3 % off."""
    cfg = tiny(model)
    _, task = tasks(cfg)
    real, fake = pictures(cfg), -0.5 * pictures(cfg)
    expected, found = critique_terms(task, real, fake), critique_terms(task, real, fake, dtype)
    assert {*names} < {*found}, f"penalties: {[*found]}"
    for name in names:
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6)
    assert found["adversarial"].dtype == torch.float32
    assert found["adversarial"].isfinite()
    with torch.autocast(DEVICE, dtype):
        assert task.discriminator(real.to(task.device)).dtype == dtype, "nothing was in half precision"
