"""Masks say what is lost, and the file at fault where they cannot."""

import numpy as np
import pytest
import torch
from PIL import Image

from atelier.errors import UserError
from atelier.translate.inpainting import known_of


def save(path, levels, **options):
    Image.fromarray(levels).save(path, **options)
    return path


@pytest.fixture
def levels():
    found = np.zeros((20, 30), np.uint8)
    found[4:9, 10:25] = 255
    return found


def test_white_is_lost_and_so_is_what_is_nearer_to_white(levels, tmp_path):
    levels[0, :3] = 127, 128, 1
    known = known_of(save(tmp_path / "mask.png", levels), (20, 30))
    assert (known.dtype, known.shape) == (torch.bool, (1, 20, 30))
    expected = np.ones((20, 30), bool)
    expected[4:9, 10:25] = expected[0, 1] = False
    np.testing.assert_array_equal(known[0].numpy(), expected)


@pytest.mark.parametrize("kind", ["bits", "colour", "deep", "jpeg", "turned"])
def test_masks_of_all_kinds_are_read(kind, levels, tmp_path):
    path, options = tmp_path / "mask.png", {}
    if kind == "bits":
        save(path, levels > 0)
    elif kind == "colour":
        save(path, np.stack([levels, 0 * levels, 0 * levels], 2))
    elif kind == "deep":
        save(path, levels.astype(np.uint16) * 257)
    elif kind == "jpeg":
        path = save(tmp_path / "mask.jpg", np.kron(levels, np.ones((8, 8), np.uint8)), quality=60)
        levels = np.kron(levels, np.ones((8, 8), np.uint8))
    else:
        options = Image.Exif()
        options[0x0112] = 6  # to be turned by a quarter
        path = save(path, np.rot90(levels).copy(), exif=options)
    np.testing.assert_array_equal(known_of(path, levels.shape)[0].numpy(), levels == 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda levels: levels * 0, "the mask marks nothing; what is lost must be white in it"),
        (lambda levels: levels * 0 + 127, "the mask marks nothing"),
        (lambda levels: levels * 0 + 128, "the mask covers everything; what is left must be black in it"),
        (lambda levels: levels.T.copy(), "a mask of 20 x 30 does not fit a picture of 30 x 20"),
        (lambda levels: levels[:8], "too small: 30 x 8"),
    ],
)
def test_masks_that_do_not_fit_are_told_with_their_file(change, text, levels, tmp_path):
    path = save(tmp_path / "mask.png", change(levels))
    with pytest.raises(UserError, match=f"^{path}: {text}"):
        known_of(path, (20, 30))


def test_transparency_counts_as_white(levels, tmp_path):
    """White strokes on nothing, as painters of masks save them, look lost all over."""
    strokes = np.dstack([levels] * 4)
    with pytest.raises(UserError, match="covers everything; what is left must be black in it .*, not transparent"):
        known_of(save(tmp_path / "mask.png", strokes), levels.shape)
    strokes[..., 3] = 255
    assert not known_of(save(tmp_path / "mask.png", strokes), levels.shape)[0, 4:9, 10:25].any()


def test_what_is_no_picture_is_told(tmp_path):
    (tmp_path / "mask.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="mask.png: not an image"):
        known_of(tmp_path / "mask.png", (20, 30))
