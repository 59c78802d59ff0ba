from math import pi

import pytest
import torch

from atelier.augment.chance import Chance
from atelier.augment.colours import colours, random_colours, recolour

NEUTRAL = {"brightness": 0.0, "contrast": 1.0, "flip": 1.0, "hue": 0.0, "saturation": 1.0}
AXIS = torch.full((3,), 3**-0.5, dtype=torch.float64)


def change(**values):
    return colours(**{name: torch.tensor([value]) for name, value in (NEUTRAL | values).items()})


def papers_product(brightness, contrast, flip, hue, saturation):
    """The five 4 x 4 matrices of Karras et al. 2020, appendix B, each on the left of those before."""
    identity, outer = torch.eye(4, dtype=torch.float64), torch.zeros(4, 4, dtype=torch.float64)
    outer[:3, :3] = AXIS[:, None] * AXIS
    translate = identity.clone()
    translate[:3, 3] = brightness
    scale = torch.diag(torch.tensor([contrast, contrast, contrast, 1], dtype=torch.float64))
    householder = identity - (1 - flip) * outer
    generator = torch.zeros(4, 4, dtype=torch.float64)
    generator[:3, :3] = torch.linalg.cross(AXIS.expand(3, 3), torch.eye(3, dtype=torch.float64)).T
    keep = outer.clone()
    keep[3, 3] = 1
    saturate = keep + (identity - keep) * saturation
    return saturate @ torch.linalg.matrix_exp(hue * generator) @ householder @ scale @ translate


@pytest.mark.parametrize(
    "values",
    [
        {"brightness": 0.3},
        {"contrast": 1.4},
        {"flip": -1.0},
        {"hue": 1.1},
        {"saturation": 0.2},
        {"brightness": -0.2, "contrast": 0.7, "flip": -1.0, "hue": -2.5, "saturation": 1.8},
    ],
)
def test_the_closed_form_is_the_papers_product(values):
    matrix, offset = change(**values)
    expected = papers_product(**(NEUTRAL | values))
    torch.testing.assert_close(matrix[0].double(), expected[:3, :3], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(offset[0].double(), expected[:3, 3], atol=1e-6, rtol=1e-5)


def test_a_third_of_a_turn_of_the_hue_exchanges_the_channels():
    matrix, offset = change(hue=2 * pi / 3)
    images = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(recolour(images, matrix, offset), images.roll(1, 1), atol=1e-5, rtol=1e-5)


def test_no_saturation_is_grey_of_the_same_mean():
    images = torch.randn(1, 3, 4, 4)
    expected = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(recolour(images, *change(saturation=0.0)), expected)


def test_a_luma_flip_inverts_grey_and_keeps_the_colours():
    images = torch.randn(1, 3, 4, 4)
    mean = images.mean(1, keepdim=True)
    torch.testing.assert_close(recolour(images, *change(flip=-1.0)), images - 2 * mean)


def test_random_colours_change_nothing_at_probability_zero():
    images = torch.randn(5, 3, 4, 4)
    unchanged = recolour(images, *random_colours(Chance(5, torch.tensor(0.0))))
    torch.testing.assert_close(unchanged, images, rtol=0, atol=0)


def test_random_colours_have_the_papers_spread():
    torch.manual_seed(0)
    matrix, offset = random_colours(Chance(20_000, torch.tensor(1.0)))
    luma = matrix.sum(1)[:, 0]  # each column sums to the factor of grey: ± contrast
    assert (luma < 0).float().mean().item() == pytest.approx(0.5, abs=0.015)
    assert luma.abs().log2().std().item() == pytest.approx(0.5, rel=0.03)
    torch.testing.assert_close((offset[:, 0] / luma).std(), torch.tensor(0.2), rtol=0.03, atol=0)
    rest = matrix - luma[:, None, None] / 3
    saturation = rest.square().sum((1, 2)).div(2).sqrt() / luma.abs()
    assert saturation.log2().std().item() == pytest.approx(1, rel=0.03)


def test_random_colours_happen_with_their_probability():
    torch.manual_seed(0)
    matrix, offset = random_colours(Chance(20_000, torch.tensor(0.3)))
    assert (offset[:, 0] != 0).float().mean().item() == pytest.approx(0.3, abs=0.015)
    assert (matrix.sum(1)[:, 0] < 0).float().mean().item() == pytest.approx(0.15, abs=0.015)
    untouched = (matrix - torch.eye(3)).abs().amax((1, 2)) < 1e-6
    assert untouched.float().mean().item() == pytest.approx(0.7**3 * 0.85, abs=0.015)
