import math

import pytest
import torch

from atelier.cli.latents import closed_path, cross, slerp


def points(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_an_arc_goes_round_the_circle_at_one_speed():
    east, north = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    share = torch.linspace(0, 1, 7)[:, None]
    angle = share * math.pi / 2
    torch.testing.assert_close(slerp(east, north, share), 2 * torch.cat([angle.cos(), angle.sin()], 1))


def test_an_arc_keeps_the_length_that_a_straight_way_loses():
    first, second = points(100, 512), points(100, 512, seed=1)
    halfway = slerp(first, second, 0.5)
    assert (halfway.norm(dim=1) / 512**0.5).mean() == pytest.approx(1, abs=0.02)
    assert ((first + second) / 2).norm(dim=1).mean() / 512**0.5 == pytest.approx(0.5**0.5, abs=0.02)
    torch.testing.assert_close(halfway, slerp(second, first, 0.5))


def test_arcs_begin_and_end_where_they_should():
    first, second = points(5, 8), points(5, 8, seed=1)
    torch.testing.assert_close(slerp(first, second, 0), first)
    torch.testing.assert_close(slerp(first, second, 1), second)


def test_where_no_arc_is_defined_the_way_is_straight():
    first = points(3, 8)
    torch.testing.assert_close(slerp(first, first, 0.3), first)
    torch.testing.assert_close(slerp(first, -first, 0.25), first / 2)
    torch.testing.assert_close(slerp(first, torch.zeros(8), 1.0), torch.zeros(3, 8))
    line = torch.tensor([[1.0]]), torch.tensor([[-3.0]])
    torch.testing.assert_close(slerp(*line, 0.5), torch.tensor([[-1.0]]))


@pytest.mark.parametrize("spherical", [True, False])
def test_a_path_passes_all_corners_and_closes(spherical):
    corners = points(3, 6) if spherical else points(3, 2, 6)
    path = closed_path(corners, 4, spherical)
    assert path.shape == (12, *corners.shape[1:])
    torch.testing.assert_close(path[::4], corners)
    between = slerp if spherical else torch.lerp
    torch.testing.assert_close(path[11], between(corners[2], corners[0], torch.tensor(0.75, dtype=path.dtype)))


def test_two_parents_meet_on_the_arc_and_more_have_equal_shares():
    first, second, third, fourth = torch.eye(4)
    torch.testing.assert_close(cross(torch.stack([first, second]), 0.3), slerp(first, second, 0.3))
    torch.testing.assert_close(cross(torch.eye(4)[:3], 1.0), third)
    torch.testing.assert_close(cross(torch.eye(4)[:3], 0.0), slerp(first, second, 0.5))
    family = cross(torch.eye(4), 1 / 4)
    assert family.norm() == pytest.approx(1)
    assert family @ fourth == pytest.approx(math.sin(math.pi / 8))
    torch.testing.assert_close(family[:2], family[:1].repeat(2))
