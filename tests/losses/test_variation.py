import pytest
import torch

from atelier.losses.variation import TotalVariation

each_border = pytest.mark.parametrize("circular", [False, True])


def pictures(batch=2):
    return torch.rand(batch, 3, 5, 7, generator=torch.Generator().manual_seed(0)) * 2 - 1


@each_border
def test_by_its_sums(circular):
    images = pictures()
    expected = torch.zeros(2)
    for y in range(5):
        for x in range(7):
            if circular or x + 1 < 7:
                expected += (images[:, :, y, (x + 1) % 7] - images[:, :, y, x]).square().sum(1)
            if circular or y + 1 < 5:
                expected += (images[:, :, (y + 1) % 5, x] - images[:, :, y, x]).square().sum(1)
    torch.testing.assert_close(TotalVariation(circular)(images), expected / (3 * 5 * 7))


@each_border
def test_a_plain_picture_has_none(circular):
    torch.testing.assert_close(TotalVariation(circular)(torch.full((2, 3, 4, 1), 0.3)), torch.zeros(2), rtol=0, atol=0)


@each_border
def test_a_step_against_the_gradient_is_smoother(circular):
    images = pictures().requires_grad_()
    before = TotalVariation(circular)(images)
    (slope,) = torch.autograd.grad(before.sum(), images)
    assert (TotalVariation(circular)(images - slope) < before).all()


def test_a_circular_picture_has_no_border():
    images, variation = pictures(), TotalVariation(circular=True)
    torch.testing.assert_close(variation(images.roll((2, 3), (2, 3))), variation(images))
    torch.testing.assert_close(variation(images.repeat(1, 1, 2, 3)), variation(images))
    step = torch.ones(1, 3, 4, 4)
    step[..., 2:] = -1
    torch.testing.assert_close(variation(step), 2 * TotalVariation()(step))  # the seam is a second edge
