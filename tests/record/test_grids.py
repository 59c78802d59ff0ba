import math

import numpy as np
import pytest
import torch
from PIL import Image

from atelier.record.grids import GUTTER, framed, grid, save_png, to_pixels


def test_pixels_are_rounded_and_clamped():
    values = torch.tensor([-1.0, -0.999, 0.0, 1.0, 1.5, -2.0, math.nan, 126.6 / 127.5 - 1])

    pixels = to_pixels(values.reshape(1, 1, 1, -1))

    assert pixels.dtype == torch.uint8
    assert pixels.flatten().tolist() == [0, 0, 128, 255, 255, 0, 128, 127]


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (5, 2, 3), (9, 3, 3), (64, 8, 8)])
def test_a_grid_is_as_square_as_it_can_be(count, rows, columns):
    picture = grid(torch.zeros(count, 3, 4, 6, dtype=torch.uint8))

    assert picture.shape == (rows * (4 + GUTTER) + GUTTER, columns * (6 + GUTTER) + GUTTER, 3)


def test_every_image_stands_in_its_place_on_white():
    images = torch.arange(5, dtype=torch.uint8).reshape(5, 1, 1, 1).expand(5, 3, 2, 2)

    picture = grid(images)

    pitch = 2 + GUTTER
    for index in range(5):
        top, left = index // 3 * pitch + GUTTER, index % 3 * pitch + GUTTER
        assert (picture[top : top + 2, left : left + 2] == index).all()
    assert (picture == 255).sum() == picture.size - 5 * 2 * 2 * 3


def test_a_png_says_where_it_comes_from(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)

    save_png(pixels, tmp_path / "new" / "a.png", {"step": 400, "run": "dcgan-wikiart/…"})

    with Image.open(tmp_path / "new" / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
        assert image.text == {"step": "400", "run": "dcgan-wikiart/…"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_a_note_of_names_that_are_no_text_is_escaped(tmp_path):
    save_png(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.png", {"run": "a\udce9"})
    with Image.open(tmp_path / "a.png") as image:
        assert image.text == {"run": "a\\udce9"}


@pytest.mark.parametrize("size", [(64, 1), (1, 64), (4, 4)])
def test_what_is_framed_is_whole_however_thin(size):
    frame = framed(torch.zeros(1, 3, *size, dtype=torch.uint8), 32, 64)[0, 0]
    rows, columns = ((frame == 0).any(dim) for dim in (1, 0))
    shown = int(rows.sum()), int(columns.sum())
    assert shown == {(64, 1): (32, 1), (1, 64): (1, 64), (4, 4): (32, 32)}[size]
