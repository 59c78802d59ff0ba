"""What is transparent stays so, keeps its colours where they are kept, and looks on white as it was drawn."""

import numpy as np
import pytest
import torch
from PIL import Image
from profiled import DISPLAY_P3
from smooth import cut_out, photograph, tensor
from torch.testing import assert_close

from atelier.stylize.artwork import Artwork, on_white, read, resized, write


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_the_cut_out_is_kept_at_any_size(tmp_path, suffix):
    artwork = Artwork(tensor(photograph()), None, torch.from_numpy(cut_out()))
    write(tmp_path / f"a{suffix}", artwork.pixels, artwork, {})
    assert_close(read(tmp_path / f"a{suffix}").opacity, artwork.opacity)
    write(tmp_path / f"b{suffix}", resized(artwork.pixels, 128), artwork, {})
    larger = read(tmp_path / f"b{suffix}").opacity
    assert larger.shape == (96, 128)
    assert larger[48, 60] == 255
    assert larger[4, 4] == 0


def test_a_jpeg_is_put_on_white(tmp_path):
    artwork = Artwork(torch.zeros(3, 48, 64, dtype=torch.uint8), None, torch.from_numpy(cut_out()))
    write(tmp_path / "a.jpg", artwork.pixels, artwork, {})
    back = read(tmp_path / "a.jpg").pixels
    assert int(back[:, 20, 30].max()) < 6
    assert int(back[:, 2, 2].min()) > 249


def test_a_jpeg_of_what_is_half_transparent_is_as_light_as_it_was_drawn(tmp_path):
    Image.new("RGBA", (64, 48), (10, 20, 30, 128)).save(tmp_path / "a.png")
    artwork = read(tmp_path / "a.png")
    write(tmp_path / "b.jpg", torch.full_like(artwork.pixels, 200), artwork, {})
    assert_close(read(tmp_path / "b.jpg").pixels.float(), torch.full((3, 48, 64), 200.0), atol=2, rtol=0)


def test_a_cut_out_looks_as_it_does_on_paper():
    artwork = Artwork(tensor(photograph()), None, torch.from_numpy(cut_out()))
    shown = on_white(torch.zeros(3, 96, 128, dtype=torch.uint8), artwork)
    assert shown[:, 40, 60].tolist() == [0, 0, 0]
    assert shown[:, 4, 4].tolist() == [255, 255, 255]
    assert on_white(artwork.pixels, Artwork(artwork.pixels)) is artwork.pixels


def sheer(height=48, width=64):
    """Every colour at every opacity, more or less."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)


def on_paper(rgba):
    share = rgba[..., 3:].astype(float) / 255
    return rgba[..., :3] * share + 255 * (1 - share)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("profile", [b"", DISPLAY_P3])
def test_what_is_kept_of_a_transparent_picture_is_as_the_file_has_it(tmp_path, suffix, profile):
    Image.fromarray(sheer()).save(tmp_path / f"a{suffix}", icc_profile=profile)
    artwork = read(tmp_path / f"a{suffix}")
    write(tmp_path / f"same{suffix}", artwork.pixels, artwork, {})
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"same{suffix}")), sheer())
    kept = torch.ones(1, 48, 64, dtype=torch.bool)
    kept[:, 20:30, 20:30] = False
    write(tmp_path / f"mended{suffix}", torch.where(kept, artwork.pixels, 90), artwork, {}, kept)
    found = np.asarray(Image.open(tmp_path / f"mended{suffix}"))
    np.testing.assert_array_equal(found[kept[0]], sheer()[kept[0]])
    np.testing.assert_array_equal(found[..., 3], sheer()[..., 3])
    assert (found[~kept[0]] != sheer()[~kept[0]]).any()


def test_what_is_drawn_looks_on_paper_as_it_was_drawn(tmp_path):
    """As dark as its transparency allows; where nothing is to be seen, the colours of the file stay."""
    rgba = sheer()
    rgba[:8, :8, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    artwork = read(tmp_path / "a.png")
    drawn = tensor(photograph())
    write(tmp_path / "b.png", drawn, artwork, {})
    found = np.asarray(Image.open(tmp_path / "b.png"))
    lightest = np.maximum(photograph(), 255 - rgba[..., 3:])
    assert np.abs(on_paper(found) - lightest).max() <= 0.51
    np.testing.assert_array_equal(found[:8, :8], rgba[:8, :8])
    assert_close(on_white(drawn, artwork), tensor(lightest))


def test_grey_and_palettes_with_transparency_are_kept_too(tmp_path):
    grey = sheer()[..., 2:]
    Image.fromarray(grey).save(tmp_path / "a.png")
    artwork = read(tmp_path / "a.png")
    write(tmp_path / "b.png", artwork.pixels, artwork, {})
    found = np.asarray(Image.open(tmp_path / "b.png"))
    np.testing.assert_array_equal(found, grey[..., [0, 0, 0, 1]])
    palette = Image.fromarray(photograph()).quantize(16)
    palette.save(tmp_path / "p.png", transparency=bytes(range(0, 256, 16)))
    artwork = read(tmp_path / "p.png")
    write(tmp_path / "q.png", artwork.pixels, artwork, {})
    expected = np.asarray(Image.open(tmp_path / "p.png").convert("RGBA"))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "q.png")), expected)
