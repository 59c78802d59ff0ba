import pytest
import torch
from torch import nn

from atelier.losses.penalties import Critique, GradientPenalty, Penalty


def critique_of(discriminator, batch=4, size=4):
    real, fake = torch.randn(2, batch, 3, size, size)
    return Critique(discriminator, real, fake, discriminator(real), discriminator(fake))


def linear(weight):
    return lambda images: images.flatten(1) @ weight


def test_gradient_penalty_of_a_linear_critic_is_its_slopes_distance_from_one():
    weight = torch.randn(48)
    torch.testing.assert_close(
        GradientPenalty(weight=1).measure(critique_of(linear(weight))), (weight.norm() - 1).square()
    )


def test_gradient_penalty_vanishes_at_unit_slope_only():
    unit = nn.functional.normalize(torch.randn(48), dim=0)
    assert GradientPenalty(weight=1)(critique_of(linear(unit))).item() == pytest.approx(0, abs=1e-10)
    assert GradientPenalty(weight=1)(critique_of(linear(2 * unit))).item() == pytest.approx(1, rel=1e-5)
    assert GradientPenalty(weight=1)(critique_of(linear(0 * unit))).item() == pytest.approx(1, rel=1e-5)


def test_gradient_penalty_looks_between_real_and_fake():
    seen = []

    def watch(images):
        seen.append(images.detach())
        return images.flatten(1).sum(1)

    real, fake = torch.full((64, 3, 4, 4), 1.0), torch.full((64, 3, 4, 4), -1.0)
    GradientPenalty(weight=1).measure(Critique(watch, real, fake, torch.zeros(64), torch.zeros(64)))
    between = seen[-1]
    assert between.flatten(1).std(1).max() < 1e-6  # one position for all of an image
    assert between.min() >= -1
    assert between.max() <= 1
    assert between[:, 0, 0, 0].std() > 0.3  # and another for each image


def test_gradient_penalty_reaches_the_weights():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0))
    GradientPenalty(weight=1)(critique_of(network)).backward()
    assert network[0].weight.grad.abs().sum() > 0


def test_a_lazy_penalty_makes_up_for_the_steps_it_skips():
    class Constant(Penalty):
        def measure(self, critique):
            return torch.tensor(3.0)

    assert Constant(weight=2, every=4)(None) == 24


@pytest.mark.parametrize(("arguments", "text"), [({"weight": -1}, "weight"), ({"weight": 1, "every": 0}, "every")])
def test_bad_values_are_refused(arguments, text):
    with pytest.raises(ValueError, match=f"{text} must be"):
        GradientPenalty(**arguments)
