"""Every objective, penalty and augmentation with every model that translates: as test_gans, by the same one check.

The losses are those of a training step as the tasks take it, the discriminator's with the pictures of that very step.
"""

from functools import cache
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from models import TRANSLATING
from omegaconf import open_dict

from atelier.augment.ada import Ada
from atelier.augment.diffaugment import DiffAugment
from atelier.config import build
from atelier.data.types import Pair, Paired
from atelier.losses import penalties
from atelier.losses.adversarial import Objective
from atelier.tasks.adversary import Adversary
from atelier.tasks.cut import Cut

CONF = Path(__file__).parents[2] / "conf"
SIDE = 16
OBJECTIVES = {kind.__name__: kind() for kind in Objective.__subclasses__()}
STRONG = 1e5
"""So that of the discriminator's loss it is no small part, where images hardly move the logits of so tiny networks."""
PENALTIES = {
    "GradientPenalty": lambda: penalties.GradientPenalty(10.0),
    "R1": lambda: penalties.R1(STRONG),
    "R2": lambda: penalties.R2(STRONG),
    "Dragan": lambda: penalties.Dragan(10.0),
    "WeightClipping": lambda: penalties.WeightClipping(0.01),
    "LeCam": lambda: penalties.LeCam(0.1),
    "Consistency": lambda: penalties.Consistency(10.0, DiffAugment(["translation"])),
}
RESNET = ["model.generator.width=4", "model.generator.blocks=1"]
NAFNET = [f"model.generator.{name}=[1]" for name in ("encoder_blocks", "decoder_blocks")]
OPTIONS = {
    "pix2pix": ["data=degraded", "degradation=sketch", "model.generator.width=4"],
    "cyclegan": RESNET,
    "cut": [*RESNET, "model.taps=[pixels,down1]", "model.patches=8", "model.heads.width=4"],
    "restorer": ["degradation=super_resolution_x2", "model.generator.width=4", *NAFNET],
    "restorer_unet": ["degradation=inpainting", "model.generator.width=4"],
}


def eager_ada():
    ada = Ada()
    ada.probability.fill_(0.8)
    return ada


AUGMENTS = {"diffaugment": lambda: DiffAugment(["colour", "translation", "cutout"]), "ada": eager_ada}


@pytest.fixture(autouse=True)
def float64(monkeypatch):
    """Everything in double precision, the task's own casts to float32 included."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@cache
def configuration(name):
    judge = ["model.discriminator.width=4", "model.discriminator.layers=1"]
    overrides = [f"model={name}", *OPTIONS[name], *judge, f"data.image_size={SIDE}", "run_dir=unused"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", overrides)


def translation(name, judge=None, **changes):
    """A tiny task, as its recipe has it but for the changes, and those to its discriminator."""
    cfg = configuration(name).copy()
    with open_dict(cfg):
        cfg.model.discriminator.update(judge or {})
    torch.manual_seed(0)
    task = build(cfg.model, "model", **changes).train()
    if task.batch is Paired and task.encoder:
        task.encoder.network.double()
    with torch.no_grad():
        for weights in task.parameters():
            if weights.ndim < 2:  # as in test_gans
                weights += 0.05 * torch.randn_like(weights)
    return task


def pictures(seed, channels=3, side=SIDE):
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def batch(task):
    if task.batch is Pair:
        return Pair(pictures(1), pictures(2))
    network = task.generator
    known = (pictures(3, 1) > 0).double() if network.masked else None
    return Paired(pictures(1, side=SIDE // network.scale), pictures(2), known)


def weights_of(task, player):
    """What moves in that player's update: the generators' first."""
    optimizers, _ = task.configure_optimizers()
    return [weights for group in optimizers[player].param_groups for weights in group["params"]]


def measured(task, player, monkeypatch, weights=()):
    """A player's loss in one training step, and its gradients by some weights."""
    found = []

    def update(_name, optimizer, measure):
        if optimizer > player:
            return {}
        with torch.set_grad_enabled(optimizer == player):
            terms = measure()
        if optimizer == player:
            assert all(term.isfinite() and term.ndim == 0 for term in terms.values())
            loss = sum(terms.values())
            found.extend((loss.detach(), torch.autograd.grad(loss, weights) if weights else ()))
        return {}

    with monkeypatch.context() as patch:
        for name, stand_in in (("update", update), ("players", lambda: [0, 1]), ("advance_schedules", lambda: None)):
            patch.setitem(task.__dict__, name, stand_in)
        torch.manual_seed(3)
        task.training_step(batch(task), 0)
    return found


def slope_agrees(task, player, monkeypatch):
    """A player's loss falls along its gradient as fast as that says, when all else stays equal."""
    state = {name: value.clone() for name, value in task.state_dict().items()}
    weights = weights_of(task, player)
    before, gradients = measured(task, player, monkeypatch, weights)
    steepness = torch.stack([gradient.square().sum() for gradient in gradients]).sum()
    assert steepness.isfinite()
    assert steepness > 0
    task.load_state_dict(state)  # what the first pass has moved: pools, anchors, clipped weights
    fall = 1e-9 * before.abs().clamp(min=1)
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= fall / steepness * gradient
    after, _ = measured(task, player, monkeypatch)
    task.load_state_dict(state)
    assert ((before - after) / fall).item() == pytest.approx(1, abs=0.02)


@pytest.fixture
def held_keys(monkeypatch):
    """The keys of CUT stay those of the first pass, for they carry no gradient."""
    own, keys = Cut.correspondences, {}

    def correspondences(task, drawn, origin):
        pairs = own(task, drawn, origin)
        first = keys.setdefault((id(task), origin.sum().item()), [key for _, key in pairs])
        return [(query, key) for (query, _), key in zip(pairs, first, strict=True)]

    monkeypatch.setattr(Cut, "correspondences", correspondences)


def adversaries(task) -> list[Adversary]:
    return [*task.adversaries.values()] if task.batch is Pair else [task.adversary]


def with_objective(task, objective):
    for adversary in adversaries(task):
        adversary.objective = objective


@pytest.mark.parametrize("name", TRANSLATING)
def test_every_objective_moves_both_players(name, held_keys, monkeypatch):
    task = translation(name)
    for objective in OBJECTIVES.values():
        with_objective(task, objective)
        slope_agrees(task, 0, monkeypatch)
        slope_agrees(task, 1, monkeypatch)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", TRANSLATING)
def test_every_penalty_with_every_objective(name, penalty, monkeypatch):
    task = translation(name, penalties={"penalty": PENALTIES[penalty]()})
    for objective in OBJECTIVES.values():
        with_objective(task, objective)
        slope_agrees(task, 1, monkeypatch)
    for adversary in adversaries(task):
        adversary.constrain()
        assert all(weights.isfinite().all() for weights in adversary.discriminator.parameters())


@pytest.mark.parametrize("judge", [{"norm": None}, {"spectral_norm": True}], ids=["no norm", "spectral norm"])
@pytest.mark.parametrize("inputs", [3, 6])
def test_penalties_differentiate_twice_through_patches_of_pictures_and_of_pairs(judge, inputs, monkeypatch):
    own = {name: PENALTIES[name]() for name in ("R1", "R2", "GradientPenalty", "Dragan")}
    task = translation("pix2pix", {"inputs": inputs, **judge}, penalties=own)
    assert task.sees_pairs == (inputs == 6)
    slope_agrees(task, 1, monkeypatch)


@pytest.mark.parametrize("augment", AUGMENTS)
@pytest.mark.parametrize("name", TRANSLATING)
def test_penalties_differentiate_twice_through_every_augmentation(name, augment, held_keys, monkeypatch):
    both = {"r1": penalties.R1(STRONG), "r2": penalties.R2(STRONG)}
    alone = {"inputs": 3} if name == "pix2pix" else {}
    task = translation(name, alone, penalties=both, augment=AUGMENTS[augment]())
    slope_agrees(task, 0, monkeypatch)
    slope_agrees(task, 1, monkeypatch)
