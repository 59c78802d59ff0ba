"""Trying a config on the meta device tells of its faults only where the device can do what the constructors ask."""

import pytest
import torch
from accelerated import words
from models import names
from stylising import paint

from atelier.config import build
from atelier.labels import presume


@pytest.mark.parametrize("model", names("model"))
def test_every_model_can_be_built_there(model, composed, tmp_path):
    cfg = presume(composed(*words(model, paint(tmp_path / "picture.png"))))
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        task = build(cfg.model, "model")
    assert any(weights.is_meta for weights in task.parameters()) or not [*task.parameters()]
