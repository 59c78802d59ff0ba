"""Networks that torch compiles for a GPU train as they do without."""

import logging

import pytest
import torch

from atelier import run
from atelier.record import table

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("all_of_float32")]

STEADY = ["+model.generator_optimizer.eps=1e-3", "+model.discriminator_optimizer.eps=1e-3"]
"""Adam makes steps of gradients that are nothing but rounding, such as of a bias before a norm."""
UNEXPLAINED = pytest.mark.xfail(
    reason="on an H200 gradients' norms were off by 0.4 and 1 %, while losses agreed, and on another it failed again; "
    "on a CPU both agree to 1e-3"
)
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
        pytest.param("stylegan2", STEADY, marks=UNEXPLAINED),
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


def compiled_for(caplog):
    assert not [line for line in caplog.messages if line.startswith("compile: goes on without")]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0


def test_half_precision_is_compiled_too(tiny, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "atelier"):
        run.fit(tiny("wgan_gp", *SHORT, "compile=true", "trainer.precision=bf16-mixed"), tmp_path / "run", {})
    compiled_for(caplog)
    assert len(table.read(tmp_path / "run" / "metrics.csv")) == 3
