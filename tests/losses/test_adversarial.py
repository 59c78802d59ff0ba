"""Every objective obeys one contract, so that any may replace any other."""

import math

import pytest
import torch

from atelier.losses.adversarial import (
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Objective,
    Relativistic,
    Wasserstein,
)

OBJECTIVES = [Minimax(), NonSaturating(), LeastSquares(), Wasserstein(), Hinge(), Relativistic()]
each_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: type(o).__name__)


def test_the_list_is_complete():
    ours = {kind for kind in Objective.__subclasses__() if kind.__module__.startswith("atelier.")}
    assert {type(objective) for objective in OBJECTIVES} == ours


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
def test_terms_are_means_over_the_parts_of_images(objective):
    real, fake = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(objective.discriminator(real, fake), objective.discriminator(real.ravel(), fake.ravel()))
    torch.testing.assert_close(objective.generator(fake, real), objective.generator(fake.ravel(), real.ravel()))


@each_objective
def test_says_truly_whether_the_generator_looks_at_real_logits(objective):
    fake = torch.zeros(4)
    low, high = (objective.generator(fake, torch.full((4,), real)) for real in (-1.0, 1.0))
    assert objective.relativistic == (low != high)
    if not objective.relativistic:
        torch.testing.assert_close(objective.generator(fake), low)


@each_objective
def test_who_cannot_tell_the_sides_apart_is_best_off_undecided(objective):
    """With one logit for all, the discriminator's loss has its minimum there."""
    logit = objective.undecided(*torch.full((2, 8), 3.0)).requires_grad_()
    (slope,) = torch.autograd.grad(objective.discriminator(logit.expand(8), logit.expand(8)), logit)
    assert slope == 0


@each_objective
def test_undecided_moves_with_the_logits_where_they_mean_as_much_with_a_constant_added(objective):
    real, fake = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    free = torch.allclose(objective.discriminator(real, fake), objective.discriminator(real + 5, fake + 5), rtol=1e-4)
    moved = objective.undecided(real + 5, fake + 5) - objective.undecided(real, fake)
    assert moved.item() == pytest.approx(5 if free else 0)
    assert free == isinstance(objective, Wasserstein | Relativistic)
    if free:
        assert fake.mean() < objective.undecided(real, fake) < real.mean() or real.mean() < fake.mean()


@each_objective
def test_stays_finite_for_large_logits(objective):
    large = torch.tensor([1e4, -1e4])
    assert objective.discriminator(large, large.flip(0)).isfinite()
    assert objective.generator(large, large.flip(0)).isfinite()


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
        (Minimax(), math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1)), -math.log(1 + math.exp(1))),
        (NonSaturating(), math.log(1 + math.exp(-1)) + math.log(1 + math.exp(1)), math.log(1 + math.exp(-1))),
        (LeastSquares(), 0.5, 0.0),
        (Wasserstein(), 0.0, -1.0),
        (Hinge(), 2.0, -1.0),
        (Relativistic(), math.log(2), math.log(2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_where_both_logits_are_one(objective, discriminator, generator):
    one = torch.ones(4)
    torch.testing.assert_close(objective.discriminator(one, one).item(), discriminator)
    torch.testing.assert_close(objective.generator(one, one).item(), generator)


def test_minimax_is_a_game_of_one_value():
    """Goodfellow et al. 2014, eq. 1: what of the value depends on the fakes, one player minimises and one maximises."""
    real, fake = torch.randn(2, 6)
    value = (real.sigmoid().log() + (1 - fake.sigmoid()).log()).mean()
    torch.testing.assert_close(Minimax().discriminator(real, fake), -value)
    torch.testing.assert_close(Minimax().generator(fake), (1 - fake.sigmoid()).log().mean())


def test_relativistic_compares_pairs():
    """Huang et al. 2024, eq. 2, by the definition of f: only differences within a pair count."""
    real, fake = torch.randn(2, 6)
    value = -torch.log(1 + torch.exp(-(real - fake)))
    torch.testing.assert_close(Relativistic().discriminator(real, fake), -value.mean())
    torch.testing.assert_close(Relativistic().generator(fake, real), Relativistic().discriminator(fake, real))
    moved = Relativistic().discriminator(real + torch.arange(6), fake + torch.arange(6))
    torch.testing.assert_close(moved, -value.mean())
