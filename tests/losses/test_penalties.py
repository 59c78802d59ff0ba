"""Each penalty against its closed form for critics simple enough to have one."""

import copy
import inspect

import pytest
import torch
from torch import nn

from atelier.augment.base import Augment
from atelier.losses import penalties
from atelier.losses.penalties import (
    R1,
    R2,
    Consistency,
    Critique,
    Dragan,
    GradientPenalty,
    LeCam,
    Penalty,
    WeightClipping,
    gradient,
)
from atelier.losses.terms import Eased


class Negative(nn.Module):
    def forward(self, images):
        return -images


SLOPES = {"GradientPenalty": GradientPenalty(1.0), "Dragan": Dragan(1.0), "R1": R1(1.0), "R2": R2(1.0)}
TERMS = {**SLOPES, "LeCam": LeCam(1.0), "Consistency": Consistency(1.0, Negative())}
each_slope = pytest.mark.parametrize("penalty", SLOPES.values(), ids=SLOPES)


def critique_of(discriminator, batch=4, size=4):
    real, fake = torch.randn(2, batch, 3, size, size)
    return Critique(discriminator, real, fake, discriminator(real), discriminator(fake))


def linear(weight):
    return lambda images: images.flatten(1) @ weight


def half_square(images):
    """Its gradient at an image is that image."""
    return images.square().sum((1, 2, 3)) / 2


def watched(penalty, real, fake):
    """The images that a penalty looks at."""
    seen = []

    def watch(images):
        seen.append(images.detach())
        return images.flatten(1).sum(1)

    nothing = torch.zeros(len(real))
    penalty.measure(Critique(watch, real, fake, nothing, nothing))
    return seen[-1]


def test_the_list_is_complete():
    found = {name for name, kind in inspect.getmembers(penalties, inspect.isclass) if issubclass(kind, Penalty)}
    assert found == {"Penalty", "WeightClipping", *TERMS}


@pytest.mark.parametrize("penalty", [GradientPenalty(1.0), Dragan(1.0)], ids=lambda penalty: type(penalty).__name__)
def test_of_a_linear_critic_is_its_slopes_distance_from_one(penalty):
    weight = torch.randn(48)
    torch.testing.assert_close(penalty.measure(critique_of(linear(weight))), (weight.norm() - 1).square())


@pytest.mark.parametrize("penalty", [R1(1.0), R2(1.0)], ids=["R1", "R2"])
def test_of_a_linear_critic_is_half_its_slope_squared(penalty):
    weight = torch.randn(48)
    torch.testing.assert_close(penalty.measure(critique_of(linear(weight))), weight @ weight / 2)


def test_r1_is_of_real_images_and_r2_of_generated_ones():
    critique = critique_of(half_square)
    torch.testing.assert_close(R1(3.0)(critique, update=1), 3 * half_square(critique.real).mean())
    torch.testing.assert_close(R2(3.0)(critique, update=1), 3 * half_square(critique.fake).mean())


def test_gradient_penalty_vanishes_at_unit_slope_only():
    unit = nn.functional.normalize(torch.randn(48), dim=0)
    assert GradientPenalty(weight=1)(critique_of(linear(unit)), update=1).item() == pytest.approx(0, abs=1e-10)
    assert GradientPenalty(weight=1)(critique_of(linear(2 * unit)), update=1).item() == pytest.approx(1, rel=1e-5)
    assert GradientPenalty(weight=1)(critique_of(linear(0 * unit)), update=1).item() == pytest.approx(1, rel=1e-5)


def test_gradient_penalty_looks_between_real_and_fake():
    between = watched(GradientPenalty(1.0), torch.full((64, 3, 4, 4), 1.0), torch.full((64, 3, 4, 4), -1.0))
    assert between.flatten(1).std(1).max() < 1e-6  # one position for all of an image
    assert between.min() >= -1
    assert between.max() <= 1
    assert between[:, 0, 0, 0].std() > 0.3  # and another for each image


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_dragan_looks_around_real_images(spread):
    real, fake = torch.randn(2, 64, 3, 16, 16) * 3
    noise = watched(Dragan(1.0, spread=spread), real, fake) - real
    # 49152 draws: the standard error of their deviation is 0.3 %, and that of their mean 0.5 % of it
    torch.testing.assert_close(noise.std(), spread * real.std(), rtol=0.02, atol=0)
    torch.testing.assert_close(noise.mean(), torch.zeros(()), rtol=0, atol=0.02 * 3 * spread)


@each_slope
def test_an_image_judged_in_parts_counts_once(penalty):
    weights = torch.randn(48, 5)
    torch.manual_seed(0)
    in_parts = penalty.measure(critique_of(linear(weights)))
    torch.manual_seed(0)
    torch.testing.assert_close(in_parts, penalty.measure(critique_of(linear(weights.mean(1)))))


def test_gradient_is_each_images_own():
    images = torch.randn(4, 3, 4, 4, requires_grad=True)
    torch.testing.assert_close(gradient(half_square(images), images), images)


@each_slope
def test_the_images_of_the_batch_are_left_alone(penalty):
    critique = critique_of(half_square)
    before = copy.deepcopy((critique.real, critique.fake))
    penalty.measure(critique)
    torch.testing.assert_close((critique.real, critique.fake), before, rtol=0, atol=0)
    assert not critique.real.requires_grad
    assert not critique.fake.requires_grad


@each_slope
def test_is_the_same_whether_the_images_require_a_gradient_or_not(penalty):
    """In value and in what it does to the weights; images that do have it from the objective's own logits."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0))
    calls = []
    network.register_forward_hook(lambda *_: calls.append(1))
    images, found = torch.randn(2, 4, 3, 4, 4), []
    for require in (False, True):
        real, fake = (side.clone().requires_grad_(require) for side in images)
        critique = Critique(network, real, fake, network(real), network(fake))
        calls.clear()
        torch.manual_seed(0)
        value = penalty.measure(critique)
        assert len(calls) == (0 if require and penalty.at_images else 1)
        found.append([value.detach(), *torch.autograd.grad(value, network[0].weight)])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("name", TERMS)
def test_reaches_the_weights(name):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0))
    TERMS[name](critique_of(network), update=1).backward()
    for layer in (network[0], network[3]):
        assert layer.weight.grad.isfinite().all()
        assert layer.weight.grad.norm() > 0


def test_r1_pulls_the_weights_of_a_linear_critic_to_zero():
    """Differentiated twice: the gradient of |w|^2 / 2 is w."""
    critic = nn.Linear(48, 1, bias=False)
    R1(1.0).measure(critique_of(lambda images: critic(images.flatten(1)))).backward()
    torch.testing.assert_close(critic.weight.grad, critic.weight.detach())


def test_weights_are_clipped_to_the_limit():
    network = nn.Sequential(nn.Linear(40, 40), nn.BatchNorm1d(40))
    before = [weights.detach().clone() for weights in network.parameters()]
    WeightClipping(limit=0.05).constrain(network)
    for weights, was in zip(network.parameters(), before, strict=True):
        torch.testing.assert_close(weights.detach(), was.clip(-0.05, 0.05), rtol=0, atol=0)
        assert weights.requires_grad
    assert network[0].weight.max() == torch.tensor(0.05)
    assert network[0].weight.min() == torch.tensor(-0.05)


def test_weight_clipping_is_no_term_of_the_loss():
    assert not any(WeightClipping().due(update) for update in range(1, 100))


def logits_only(real, fake):
    return Critique(lambda images: images, torch.empty(0), torch.empty(0), real, fake)


def test_lecam_against_its_definition():
    lecam, real_anchor, fake_anchor = LeCam(1.0, decay=0.9), 0.0, 0.0
    for _ in range(5):
        real, fake = torch.randn(8) + 2, torch.randn(8) - 1
        real_anchor = 0.9 * real_anchor + 0.1 * real.mean().item()
        fake_anchor = 0.9 * fake_anchor + 0.1 * fake.mean().item()
        expected = sum((r - fake_anchor) ** 2 + (f - real_anchor) ** 2 for r, f in zip(real, fake, strict=True)) / 8
        torch.testing.assert_close(lecam.measure(logits_only(real, fake)), expected)


def test_lecam_pulls_each_side_to_the_others_anchor():
    lecam = LeCam(1.0)
    lecam.load_state_dict({"real_anchor": torch.tensor(3.0), "fake_anchor": torch.tensor(-2.0)})
    real, fake = torch.tensor([1.0], requires_grad=True), torch.tensor([0.5], requires_grad=True)
    lecam.measure(logits_only(real, fake)).backward()
    torch.testing.assert_close(real.grad, 2 * (real.detach() - lecam.fake_anchor))  # anchors pass no gradient on
    torch.testing.assert_close(fake.grad, 2 * (fake.detach() - lecam.real_anchor))


def test_lecam_goes_on_from_a_checkpoint():
    lecam, restored = LeCam(1.0), LeCam(1.0)
    sides = torch.randn(3, 2, 8)
    for real, fake in sides[:2]:
        lecam(logits_only(real, fake), update=1)
    restored.load_state_dict(lecam.state_dict())
    torch.testing.assert_close(
        restored(logits_only(*sides[2]), update=1), lecam(logits_only(*sides[2]), update=1), rtol=0, atol=0
    )
    assert LeCam(1.0)(logits_only(*sides[2]), update=1) != lecam(logits_only(*sides[2]), update=1)


def test_consistency_vanishes_where_the_change_makes_no_difference():
    assert Consistency(10.0, Negative())(critique_of(half_square), update=1) == 0
    assert Consistency(10.0, Augment())(critique_of(linear(torch.randn(48))), update=1) == 0


def test_consistency_is_the_squared_change_of_both_sides_logits():
    critique = critique_of(linear(torch.randn(48)))
    changes = (2 * critique.real_logits).square().mean() + (2 * critique.fake_logits).square().mean()
    torch.testing.assert_close(Consistency(10.0, Negative())(critique, update=1), 10 * changes)


class Constant(Penalty):
    def measure(self, critique):
        return torch.tensor(3.0)


def test_a_weight_may_ease_from_one_value_to_another():
    """Huang et al. 2024, burn-in: half a cosine, flat at both ends."""
    penalty = Constant(weight=Eased(first=1.0, last=0.1, updates=1000))
    weights = [penalty(None, update).item() / 3 for update in (1, 500, 999, 1000, 5000)]
    assert weights == pytest.approx([1.0, 0.55, 0.1, 0.1, 0.1], abs=1e-4)


def test_a_lazy_penalty_makes_up_for_the_steps_it_skips():
    lazy = Constant(weight=2, every=4)
    assert lazy(None, update=4) == 24
    assert lazy.in_the_mean(None, update=4) == 6
    assert [update for update in range(1, 13) if lazy.due(update)] == [4, 8, 12]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: GradientPenalty(weight=-1), "weight must be >= 0, got -1"),
        (lambda: GradientPenalty(weight=1, every=0), "every must be >= 1, got 0"),
        (lambda: Eased(first=1.0, last=-1.0, updates=5), "first and last must be >= 0, got 1.0 and -1.0"),
        (lambda: Eased(first=1.0, last=0.1, updates=0), "updates must be >= 1, got 0"),
        (lambda: Dragan(weight=1, spread=-0.5), "spread must be >= 0, got -0.5"),
        (lambda: WeightClipping(limit=0), "limit must be > 0, got 0"),
        (lambda: LeCam(weight=1, decay=1), r"decay must be in \[0, 1\), got 1"),
    ],
)
def test_bad_values_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()
