"""Every objective, penalty, augmentation and family, with each other: what is added to one works with all the rest.

One check says it all: the gradient that backward gives predicts how fast a player's loss falls on a small step along
it. So the forward pass runs, the backward pass is that of the same function, twice differentiated where a penalty is,
and everything is finite. In float64, where a step can be so small that no unit turns on or off.
"""

from functools import cache
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from models import FAMILIES

from atelier.augment.ada import Ada
from atelier.augment.base import Augment
from atelier.augment.diffaugment import DiffAugment
from atelier.config import build
from atelier.losses import penalties
from atelier.losses.adversarial import Objective
from atelier.losses.penalties import Penalty

CONF = Path(__file__).parents[2] / "conf"
OBJECTIVES = {kind.__name__: kind() for kind in Objective.__subclasses__()}
PENALTIES = {
    "GradientPenalty": lambda: penalties.GradientPenalty(10.0),
    "R1": lambda: penalties.R1(1.0),
    "R2": lambda: penalties.R2(1.0),
    "Dragan": lambda: penalties.Dragan(10.0),
    "WeightClipping": lambda: penalties.WeightClipping(0.01),
    "LeCam": lambda: penalties.LeCam(0.1),
    "Consistency": lambda: penalties.Consistency(10.0, DiffAugment(["translation"])),
}
OWN = {"Classification", "Reconstruction"}  # need a network of their own: the recipes of those families have them
BATCH = 4


def eager_ada():
    ada = Ada()
    ada.probability.fill_(0.8)
    return ada


AUGMENTS = {
    "none": Augment,
    "diffaugment": lambda: DiffAugment(["colour", "translation", "cutout"]),
    "ada": eager_ada,
}


@pytest.fixture(autouse=True)
def float64(monkeypatch):
    """Everything in double precision, the task's own casts to float32 included."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@cache
def configuration(name):
    overrides = [f"model={name}", "classes=2", "data.label=style", "data.image_size=32", "run_dir=unused"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [*overrides, "model.generator.width=4", "model.discriminator.width=4"])


def family(name, batch_norm=True, **changes):
    """A tiny task of the family, with two classes, as its recipe has it but for the changes."""
    cfg = configuration(name).model.copy()
    if not batch_norm and cfg.discriminator.get("norm") == "batch":
        cfg.discriminator.norm = None
    torch.manual_seed(0)
    task = build(cfg, "model", **changes).train()
    with torch.no_grad():
        for weights in task.parameters():
            if weights.ndim < 2:  # biases of nothing: where a cutout blanks a patch, units are just about to turn on
                weights += 0.05 * torch.randn_like(weights)
    return task


def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(BATCH, 3, 32, 32, generator=generator) * 2 - 1, torch.arange(BATCH) % 2


def slope_agrees(task, player):
    """A player's loss falls along its gradient as fast as that says, when all else stays equal."""
    state = {name: value.clone() for name, value in task.state_dict().items()}
    weights = [*getattr(task, player).parameters()]
    before = loss(task, player)
    gradients = torch.autograd.grad(before, weights, allow_unused=True, materialize_grads=True)
    steepness = torch.stack([gradient.square().sum() for gradient in gradients]).sum()
    assert steepness.isfinite()
    assert steepness > 0
    task.load_state_dict(state)  # what the first pass has moved: running statistics
    fall = 1e-9 * before.abs().clamp(min=1)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= fall / steepness * gradient
    after = loss(task, player)
    task.load_state_dict(state)
    assert ((before - after) / fall).item() == pytest.approx(1, abs=0.02)


def loss(task, player):
    torch.manual_seed(3)
    return sum(getattr(task, f"{player}_loss")(*batch(), 4).values())  # lazy terms have their turn


def test_no_penalty_is_forgotten():
    for name in FAMILIES:
        family(name)  # imports what its recipe names
    found = {kind.__name__ for kind in Penalty.__subclasses__() if kind.__module__.startswith("atelier")}
    assert found == {*PENALTIES, *OWN}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_objective_moves_both_players_of_every_family(name, objective):
    task = family(name, objective=OBJECTIVES[objective])
    slope_agrees(task, "discriminator")
    slope_agrees(task, "generator")


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_penalty_with_every_objective_and_family(name, penalty):
    made = PENALTIES[penalty]()
    task = family(name, batch_norm=not made.per_image, penalties={"penalty": made})
    for objective in OBJECTIVES.values():
        task.adversary.objective = objective
        slope_agrees(task, "discriminator")
    made.constrain(task.discriminator)
    assert all(weights.isfinite().all() for weights in task.discriminator.parameters())


@pytest.mark.parametrize("augment", AUGMENTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_penalties_differentiate_twice_through_every_augmentation(name, augment):
    both = {"r1": penalties.R1(1.0), "r2": penalties.R2(1.0)}
    task = family(name, batch_norm=False, penalties=both, augment=AUGMENTS[augment]())
    slope_agrees(task, "discriminator")
    slope_agrees(task, "generator")
