"""A mask's colours are its regions, also after a JPEG has made noise of them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.stylize import masks

COLOURS = [(0, 0, 0), (200, 30, 30), (40, 180, 60), (120, 160, 255), (255, 255, 255)]
"""From dark to bright."""


def painted(count, height=90, width=120):
    """Blocks of unlike size and the region of each pixel; the brightest first, so that order is not by chance."""
    owner = np.zeros((height, width), np.int64)
    edges = np.linspace(0, 1, count + 1) ** 1.5 * width
    for region in range(count):
        owner[:, int(edges[region]) : int(edges[region + 1])] = count - 1 - region
    owner[:12, :12] = 0
    colours = np.asarray(COLOURS[:count], np.uint8)
    return colours[owner], torch.from_numpy(owner)


def tensor(pixels):
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)


def as_jpeg(pixels, quality=60):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def agreement(found, owner):
    return float((found[0] == owner).float().mean())


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_clean_colours_are_found_exactly_from_dark_to_bright(count):
    pixels, owner = painted(count)
    found = masks.regions(tensor(pixels), count)
    assert found.shape == (1, 90, 120)
    assert found.dtype == torch.uint8
    assert agreement(found, owner) == 1
    shares = masks.shares(found, count)
    assert shares.dtype == torch.float32
    assert_close(shares, torch.stack([owner == number for number in range(count)])[:, None].float())


def test_no_more_regions_than_a_byte_can_number():
    with pytest.raises(ValueError, match="a mask has at most 256 regions, got 257 styles"):
        masks.regions(torch.zeros(3, 16, 16, dtype=torch.uint8), 257)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("quality", [30, 90])
def test_noise_of_jpeg_is_tolerated(count, quality):
    pixels, owner = painted(count)
    assert agreement(masks.regions(tensor(as_jpeg(pixels, quality)), count), owner) > 0.95


def test_soft_edges_are_cut_in_their_middle():
    pixels, owner = painted(2)
    soft = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.5)))
    assert agreement(masks.regions(tensor(soft), 2), owner) > 0.98


def test_numbered_regions_need_not_be_far_apart():
    """As segmentation tools write them: levels 0, 1, 2."""
    _, owner = painted(3)
    levels = owner.to(torch.uint8).expand(3, -1, -1)
    assert agreement(masks.regions(levels, 3), owner) == 1


@pytest.mark.parametrize("jpeg", [False, True])
def test_too_few_colours_are_told(jpeg):
    pixels, _ = painted(2)
    with pytest.raises(ValueError, match="3 regions needs 3 distinct colours; this one shows fewer"):
        masks.regions(tensor(as_jpeg(pixels) if jpeg else pixels), 3)


@pytest.mark.parametrize("jpeg", [False, True])
def test_too_many_colours_are_told(jpeg):
    pixels, _ = painted(4)
    with pytest.raises(ValueError, match=r"2 regions needs 2 colours; this one shows more, such as \("):
        masks.regions(tensor(as_jpeg(pixels) if jpeg else pixels), 2)


def test_a_mask_is_read_for_a_picture_of_its_size(tmp_path):
    pixels, owner = painted(2)
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert agreement(masks.read(tmp_path / "mask.png", 2, (90, 120)), owner) == 1
    with pytest.raises(UserError, match=r"mask\.png: a mask of 120 x 90 does not fit a picture of 640 x 480"):
        masks.read(tmp_path / "mask.png", 2, (480, 640))
    with pytest.raises(UserError, match=r"mask\.png: a mask of 3 regions needs"):
        masks.read(tmp_path / "mask.png", 3, (90, 120))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UserError, match=r"text\.png: not an image"):
        masks.read(tmp_path / "text.png", 2, (90, 120))
