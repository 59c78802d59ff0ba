from math import cos, pi, sin

import pytest
import torch
from torch.nn.functional import grid_sample, pad

from atelier.augment.geometry import rotation, scaling, translation
from atelier.augment.pixels import doubled, interpolate, mirror, pick, warp


def number(value):
    return torch.tensor([float(value)])


def test_picked_pixels_are_those_at_row_and_column():
    images = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    rows, columns = torch.tensor([[[3], [0]], [[1], [2]]]), torch.tensor([[[4, 1, 2]], [[0, 0, 3]]])
    picked = pick(images, rows, columns)
    for image in range(2):
        expected = images[image][:, rows[image, :, 0]][:, :, columns[image, 0]]
        torch.testing.assert_close(picked[image], expected, rtol=0, atol=0)


def test_positions_are_mirrored_as_numpy_does():
    expected = pad(torch.arange(5.0)[None, None], (4, 4), mode="reflect")[0, 0]
    torch.testing.assert_close(mirror(torch.arange(-4, 9), 5).float(), expected)
    torch.testing.assert_close(mirror(torch.tensor([-0.5, 4.25, 8.5]), 5), torch.tensor([0.5, 3.75, 0.5]))


def test_interpolation_is_that_of_grid_sample():
    images, grid = torch.randn(2, 3, 6, 9), torch.randn(2, 5, 7, 2) * 2  # far beyond the edges, too
    expected = grid_sample(images, grid, padding_mode="reflection", align_corners=True)
    rows, columns = (grid[..., 1] + 1) * 5 / 2, (grid[..., 0] + 1) * 8 / 2
    torch.testing.assert_close(interpolate(images, rows, columns), expected, atol=1e-5, rtol=1e-4)


def test_doubling_keeps_the_pixels_and_has_quintics_exact_between_them():
    x, y = torch.linspace(-1, 1, 31, dtype=torch.float64), torch.linspace(-1, 1, 23, dtype=torch.float64)
    quintic = (x**5 - 2 * x**3 + x + 1) * (3 * y**5 + y**4 - y**2)[:, None]
    images = quintic[::2, ::2][None, None]
    larger = doubled(images)[0, 0]
    torch.testing.assert_close(larger[::2, ::2], images[0, 0], rtol=0, atol=0)
    torch.testing.assert_close(larger[5:-5, 5:-5], quintic[5:-5, 5:-5], rtol=1e-10, atol=1e-12)


def test_doubling_mirrors_at_the_edges():
    images = torch.randn(1, 2, 8, 9)
    around = doubled(pad(images, (6, 6, 6, 6), mode="reflect"))
    torch.testing.assert_close(doubled(images), around[:, :, 12:-12, 12:-12])


# The matrix says where a pixel comes from: 2 pixels to the right of it, for a shift to the left.
EXACT = {
    "nothing": (rotation(number(0)), lambda images: images),
    "flip": (scaling(number(1), number(-1)), lambda images: images.flip(3)),
    "flip upside down": (scaling(number(-1), number(1)), lambda images: images.flip(2)),
    "turn": (rotation(number(pi / 2)).round(), lambda images: torch.rot90(images, 1, (2, 3))),
    "left": (translation(number(0), number(2)), lambda images: pad(images, (0, 2, 0, 0), mode="reflect")[..., 2:]),
    "down": (translation(number(-3), number(0)), lambda images: pad(images, (0, 0, 3, 0), mode="reflect")[:, :, :-3]),
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("size", [8, 9])
def test_whole_pixels_move_exactly(name, size):
    matrix, expected = EXACT[name]
    images = torch.randn(1, 3, size, size)
    torch.testing.assert_close(warp(images, matrix), expected(images), rtol=0, atol=0)


def wave(x, y):
    """Eight and ten pixels long: fine detail, but not the finest."""
    return torch.cos(pi / 4 * x + 0.5) * torch.cos(pi / 5 * y - 0.3)


@pytest.mark.parametrize(
    "matrix",
    [
        rotation(number(0.7)),
        scaling(number(0.8), number(1.1)) @ rotation(number(-2)) @ translation(number(1.3), number(-0.45)),
    ],
)
def test_a_warped_wave_is_the_wave_of_warped_coordinates(matrix):
    line = torch.arange(64) - 31.5
    images = wave(line, line[:, None])[None, None]
    x, y = line[None, :].expand(64, 64), line[:, None].expand(64, 64)
    expected = wave(*torch.einsum("ij,jhw->ihw", matrix[0], torch.stack([x, y, torch.ones_like(x)]))[:2])
    middle = slice(20, -20)  # comes from inside the image
    error = (warp(images, matrix)[0, 0] - expected)[middle, middle].abs().max()
    assert error < 0.04
    plain = interpolate(images, *_pixels(matrix, x, y))[0, 0] - expected  # without doubling
    assert error < plain[middle, middle].abs().max() / 2


def _pixels(matrix, x, y):
    column, row, _ = torch.einsum("ij,jhw->ihw", matrix[0], torch.stack([x, y, torch.ones_like(x)])) + 31.5
    return row[None], column[None]


def test_rotation_turns_by_its_angle():
    """The pixel at 10 right of the centre comes from (10 cos, 10 sin) with y downwards."""
    x, y, _ = rotation(number(0.3))[0] @ torch.tensor([10.0, 0, 1])
    assert (x.item(), y.item()) == pytest.approx((10 * cos(0.3), 10 * sin(0.3)))


def test_each_image_has_its_own_warp():
    images = torch.randn(1, 3, 8, 8).expand(2, -1, -1, -1)
    matrices = torch.cat([EXACT["flip"][0], EXACT["turn"][0]])
    expected = torch.cat([images[:1].flip(3), torch.rot90(images[1:], 1, (2, 3))])
    torch.testing.assert_close(warp(images, matrices), expected, rtol=0, atol=0)


def test_a_warp_can_be_differentiated_twice():
    images = torch.randn(2, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    matrix = rotation(torch.tensor([0.4, 2.0]).double()) @ translation(
        *torch.tensor([[0.3, 1.6], [1.0, -2.2]]).double()
    )
    assert torch.autograd.gradcheck(lambda images: warp(images, matrix), images)
    # squared, so that the second derivative is not zero
    assert torch.autograd.gradgradcheck(lambda images: warp(images, matrix).square(), images)
