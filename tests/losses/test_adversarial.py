"""Every objective obeys one contract, so that any may replace any other."""

import math

import pytest
import torch

from atelier.losses.adversarial import Hinge, LeastSquares, NonSaturating, Objective, Wasserstein

OBJECTIVES = [NonSaturating(), LeastSquares(), Wasserstein(), Hinge()]
each_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: type(o).__name__)


def test_the_list_is_complete():
    assert {type(objective) for objective in OBJECTIVES} == set(Objective.__subclasses__())


@each_objective
def test_each_player_gains_when_its_side_scores_higher(objective):
    low, high = torch.full((8,), -0.5), torch.full((8,), 0.5)
    assert objective.discriminator(real=high, fake=low) < objective.discriminator(real=low, fake=high)
    assert objective.generator(fake=high, real=low) < objective.generator(fake=low, real=high)


@each_objective
def test_terms_are_means_over_the_batch(objective):
    real, fake = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    for player, sides in ((objective.discriminator, (real, fake)), (objective.generator, (fake, real))):
        once, twice = player(*sides), player(*(side.repeat(2) for side in sides))
        assert once.shape == ()
        torch.testing.assert_close(twice, once)


@each_objective
def test_gradients_point_the_right_way(objective):
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    for_real, for_fake = torch.autograd.grad(objective.discriminator(real, fake), [real, fake])
    (for_generator,) = torch.autograd.grad(objective.generator(fake, real), fake)
    assert (for_real < 0).all()
    assert (for_fake > 0).all() or isinstance(objective, LeastSquares)  # whose target for fakes is 0: it is met here
    assert (for_generator < 0).all()


@pytest.mark.parametrize(
    ("objective", "discriminator", "generator"),
    [
        (NonSaturating(), math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1)), math.log(1 + math.exp(-1))),
        (LeastSquares(), 0.5, 0.0),
        (Wasserstein(), 0.0, -1.0),
        (Hinge(), 2.0, -1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_where_both_logits_are_one(objective, discriminator, generator):
    one = torch.ones(4)
    torch.testing.assert_close(objective.discriminator(one, one).item(), discriminator)
    torch.testing.assert_close(objective.generator(one, one).item(), generator)


def test_non_saturating_stays_finite_for_large_logits():
    large = torch.tensor([1e4, -1e4])
    assert NonSaturating().discriminator(large, large).isfinite()
