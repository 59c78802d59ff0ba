import pytest
import torch

from atelier.augment.chance import Chance
from atelier.augment.geometry import affine, blit

COUNT = 20_000
IDENTITY = torch.eye(3)


def blits(probability, size=(16, 32)):
    torch.manual_seed(0)
    return blit(Chance(COUNT, torch.tensor(probability)), size)


def affines(probability, size=(16, 32)):
    torch.manual_seed(0)
    return affine(Chance(COUNT, torch.tensor(probability)), size)


def share(condition):
    return condition.float().mean().item()


def near(value):
    """Within four standard deviations of a share of COUNT draws, at most."""
    return pytest.approx(value, abs=4 * 0.5 / COUNT**0.5)


@pytest.mark.parametrize("draw", [blits, affines])
def test_probability_zero_changes_nothing(draw):
    torch.testing.assert_close(draw(0.0), IDENTITY.expand(COUNT, 3, 3), rtol=0, atol=0)


@pytest.mark.parametrize("probability", [0.3, 1.0])
def test_blits_are_as_frequent_as_in_the_paper(probability):
    matrices = blits(probability)
    flips = matrices[:, :2, :2].det() < 0
    assert share(flips) == near(probability / 2)  # half of those that happen flip nothing
    upright = matrices[~flips]
    assert share(upright[:, 0, 0] == 1) == pytest.approx(1 - probability * 3 / 4, abs=0.02)
    assert set(matrices[:, :2, :2].flatten().tolist()) <= {-1.0, 0.0, 1.0}


def test_blits_shift_by_whole_pixels_up_to_an_eighth_of_each_side():
    """A pixel comes from where it goes to, shifted and then turned, so the shift is read by turning back."""
    matrices = blits(1.0)
    shift = (matrices[:, :2, :2].mT @ matrices[:, :2, 2:])[:, :, 0]
    assert set(shift[:, 0].tolist()) == set(map(float, range(-4, 5)))  # of 32 columns
    assert set(shift[:, 1].tolist()) == set(map(float, range(-2, 3)))  # of 16 rows
    assert share(shift[:, 0] == 1) == near(1 / 8)


def test_everything_happens_with_its_probability():
    """Of the affine changes only isotropic scaling changes areas, and only shifts move the centre."""
    matrices = affines(0.4)
    linear = matrices[:, :2, :2]
    resized = (linear.det() - 1).abs() > 1e-5
    assert share(resized) == near(0.4)
    assert share(matrices[:, :2, 2].abs().sum(1) > 0) == near(0.4)
    still = ~resized
    gram = linear[still].mT @ linear[still]
    stretched = (gram - IDENTITY[:2, :2]).abs().amax((1, 2)) > 1e-5
    assert share(stretched) == near(0.4)
    rotated = (linear[still][~stretched] - IDENTITY[:2, :2]).abs().amax((1, 2)) > 1e-5
    assert share(rotated) == pytest.approx(0.4, abs=0.03)  # at least one of the two rotations


def test_scales_and_shifts_have_the_papers_spread():
    matrices = affines(1.0)
    linear = matrices[:, :2, :2]
    size = linear.det().log2() / 2
    assert size.std().item() == pytest.approx(0.2, rel=0.03)  # of the logarithm to base 2
    assert size.mean().item() == pytest.approx(0, abs=0.01)
    stretch = torch.linalg.svdvals(linear).log2()
    assert (stretch[:, 0] - size).square().mean().sqrt().item() == pytest.approx(0.2, rel=0.03)
    shift = torch.linalg.solve(linear, matrices[:, :2, 2])
    torch.testing.assert_close(shift.std(0), torch.tensor([32 / 8, 16 / 8]), rtol=0.03, atol=0)
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    assert share(angle > 0) == near(0.5)
    assert share(angle.abs() < torch.pi / 2) == near(0.5)
