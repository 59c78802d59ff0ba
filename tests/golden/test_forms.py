"""Every model in half precision and compiled: another way to the same losses."""

import importlib.util
from pathlib import Path

import pytest
import torch

from atelier.networks.compilation import Compiler

spec = importlib.util.spec_from_file_location("curves", Path(__file__).with_name("curves.py"))
curves = importlib.util.module_from_spec(spec)
spec.loader.exec_module(curves)

OVER_PIXELS = {"gatys", "texture"}
"""They learn a picture, and have no network that is compiled."""


@pytest.mark.parametrize("model", curves.NAMES)
def test_mixed_precision_begins_with_nearly_the_same_losses(model):
    """bfloat16 has 8 bits, so that a term is off by a per cent or two. What follows a player's first step goes its own
    way: Adam's are as long in each weight, whatever the gradient."""
    found, expected = curves.curve(model, "trainer.precision=bf16-mixed"), curves.stored(model)
    assert found.keys() == expected.keys()
    for name, (first, *_) in expected.items():
        if name.startswith("generator/"):  # after the discriminator's step
            continue
        assert found[name][0] == pytest.approx(first, rel=0.06, abs=0.02), name
    assert found != expected


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted({*curves.NAMES} - OVER_PIXELS))
def test_compiled_networks_have_the_same_losses(model, monkeypatch):
    torch._dynamo.reset()
    graphs = []

    def counted(graph, inputs):
        graphs.append(graph)
        return graph

    monkeypatch.setattr("atelier.networks.compilation.Compiler", lambda: Compiler(counted))
    found, expected = curves.curve(model, "compile=true"), curves.stored(model)
    torch._dynamo.reset()
    for name, values in expected.items():
        torch.testing.assert_close(torch.tensor(found[name]), torch.tensor(values), rtol=1e-4, atol=1e-6, msg=name)
    assert graphs
