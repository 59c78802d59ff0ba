import math

import pytest
import torch
from torch import nn
from torch.optim import SGD

from atelier.callbacks.health.pulse import Pulse
from atelier.losses.penalties import R1


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.player = nn.Linear(4, 1, bias=False)


def test_a_gradient_that_vanishes_is_told_once(fit, gan, told):
    fit(gan(slope=lambda step: 1.0 if step < 6 else 0.0), steps=14, every=2)
    (line,) = told()
    assert line.startswith("health: at step 8 the discriminator's gradient has vanished (norm 0.0e+00)")
    assert "try loss=hinge" in line


def test_a_gradient_that_explodes_is_told_once(fit, gan, told):
    fit(gan(slope=lambda step: 1.0 if step < 16 else 1e4), steps=20, every=1)
    (line,) = told()
    assert line.startswith("health: at step 17 the discriminator's gradient explodes (norm 1.")
    assert "model.discriminator_optimizer.lr" in line


def test_a_gradient_that_grows_tenfold_is_no_matter(fit, gan, told):
    fit(gan(slope=lambda step: 1.0 if step < 16 else 10), steps=20, every=1)
    assert told() == []


def test_norms_are_those_of_the_gradients_at_logged_steps(fit, gan, column):
    class Slope(gan):
        def on_before_optimizer_step(self, optimizer):
            squares = sum(p.grad.double().square().sum() for p in self.discriminator.parameters())
            self.norms = {**getattr(self, "norms", {}), self.global_step + 1: float(squares.sqrt())}

    task = Slope()
    fit(task)
    expected = {step: pytest.approx(task.norms[step], rel=1e-5) for step in (4, 8, 12)}
    assert column("discriminator_gradient") == expected


def test_penalties_that_swamp_the_objective_are_told_once(fit, gan, column, told):
    fit(gan(penalty=1000.0), steps=14, every=1)
    (line,) = told()
    assert line.startswith("health: at step 11 the discriminator minimises its penalties and little else (99.")
    assert "loss.penalties" in line
    assert column("discriminator_penalties").keys() == set(range(1, 15))


def test_penalties_as_large_as_the_objective_are_no_matter(fit, gan, column, told):
    fit(gan(penalty=3.0), steps=14, every=1)
    assert told() == []
    assert all(0.2 < share < 0.8 for share in column("discriminator_penalties").values())


def test_a_lazy_penalty_has_its_share_of_all_steps(fit, gan, column, told):
    """In the steps that have it, it is `every` times as large."""
    for name, every, penalty in [("always", 1, 30.0), ("lazy", 16, 30.0 * 16)]:
        task = gan(penalty=penalty)
        task.penalties = nn.ModuleDict({"r1": R1(weight=1.0, every=every)})
        fit(task, folder=name, steps=14, every=1)
    assert told() == []
    assert column("discriminator_penalties", "lazy") == pytest.approx(column("discriminator_penalties", "always"))


class Scaler:
    def get_scale(self):
        return 4.0


@pytest.fixture
def looks():
    """Makes a pulse feel gradients one after the other; returns its readings and findings."""

    def look(slopes, scaler, fused=False):
        task = Module()
        optimizer, pulse = SGD(task.parameters()), Pulse()
        optimizer._step_supports_amp_scaling = fused
        pulse.attach(task, [optimizer])
        found = []
        for slope in slopes:
            pulse.await_all()
            task.player.weight.grad = torch.full((1, 4), slope)
            pulse.feel(optimizer, scaler)
            readings = pulse.readings({})
            found.append((readings, pulse.findings(readings)))
        return found

    return look


@pytest.mark.parametrize(("fused", "norm"), [(False, 12.0), (True, 3.0)], ids=["unscaled", "still scaled"])
def test_a_step_that_half_precision_skips_has_no_norm(fused, norm, looks):
    found = looks([math.inf, math.nan, 6.0], Scaler(), fused)
    assert [readings for readings, _ in found] == [{}, {}, {"player_gradient": norm}]


def test_without_a_scaler_no_norm_is_left_out(looks):
    assert looks([math.inf], None)[0][0] == {"player_gradient": math.inf}


def test_a_player_whose_steps_are_all_skipped_is_told(looks):
    told = [findings["skipped player"] for _, findings in looks([1.0, *[math.inf] * 11, 1.0], Scaler())]
    assert told[:10] == [None] * 10
    assert "trainer.precision=bf16-mixed" in told[10]
    assert told[11:] == [told[10], None]
