"""Networks that torch compiles for a GPU train as they do without."""

import logging

import pytest
import torch

from atelier import run
from atelier.networks import stylegan2
from atelier.record import table

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("all_of_float32")]

STEADY = ["+model.generator_optimizer.eps=1e-3", "+model.discriminator_optimizer.eps=1e-3"]
"""Adam makes steps of gradients that are nothing but rounding, such as of a bias before a norm."""
SHORT = ["trainer.max_steps=3", "trainer.val_check_interval=3", "metrics=none"]


@pytest.fixture(autouse=True)
def as_eager_draws():
    """Compiled graphs have random numbers of their own, unless they are told to draw as the networks do."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    with torch._inductor.config.patch(fallback_random=True):
        yield
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("wgan_gp", ["model.critic_steps=1", *STEADY]),
        ("dcgan", STEADY),
        ("fastgan", STEADY),
        ("r3gan", STEADY),
        ("stylegan2", [*STEADY, "model.generator.mixing=0"]),  # of mixing, a GPU's compiled draws are others
        ("cyclegan", STEADY),
        ("adain", ["+model.optimizer.eps=1e-3"]),
    ],
)
def test_compiled_steps_are_those_without(model, own, tiny, tmp_path, caplog):
    """Losses and gradients' norms of three steps, to 1e-3: compiled kernels add up in another order."""
    for name in ("eager", "compiled"):
        compiled = f"compile={str(name == 'compiled').lower()}"
        with caplog.at_level(logging.WARNING, "atelier"):
            run.fit(tiny(model, *SHORT, *own, compiled), tmp_path / name, {})
    compiled_for(caplog)
    expected, found = (table.read(tmp_path / name / "metrics.csv") for name in ("eager", "compiled"))
    assert len(expected) == len(found) == 3
    for row, compiled in zip(expected, found, strict=True):
        assert compiled == pytest.approx(row, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("fallback", [False, True], ids=["draws of its own", "torch's draws"])
def test_compiled_style_mixing_mixes_as_much(fallback, device):
    """Layer l of L is of the other style in a share of `mixing` * l / (L - 1) of the images."""
    generator = stylegan2.Generator(image_size=16, latent_dim=4, width=4, max_width=4, mixing=0.75)
    layers = generator.style_layers
    styles = torch.zeros(20_000, layers, 1, device=device)
    with torch._inductor.config.patch(fallback_random=fallback):
        mixed = torch.compile(generator.mix)(styles, torch.ones_like(styles)).squeeze(2).cpu()
    expected = 0.75 * torch.arange(layers) / (layers - 1)
    torch.testing.assert_close(mixed.mean(0), expected, atol=0.015, rtol=0)  # four deviations of such a share
    assert (mixed.diff(dim=1) >= 0).all()


def compiled_for(caplog):
    assert not [line for line in caplog.messages if line.startswith("compile: goes on without")]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0


def test_half_precision_is_compiled_too(tiny, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "atelier"):
        run.fit(tiny("wgan_gp", *SHORT, "compile=true", "trainer.precision=bf16-mixed"), tmp_path / "run", {})
    compiled_for(caplog)
    assert len(table.read(tmp_path / "run" / "metrics.csv")) == 3
