"""A picture comes in upright and whole, and goes out with its profile, its cut-out and a note of how it was made."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from profiled import DISPLAY_P3, of_inks, of_space
from smooth import cut_out, photograph, tensor
from torch.testing import assert_close

from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.stylize.artwork import Artwork, read, resized, write
from atelier.stylize.provenance import SOURCE_TYPE, read_note

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
NOTE = {"method": "gatys", "style": "Zürich “nacht”.jpg", "strength": 0.5, "seed": 7, "versions": {"torch": "2.15"}}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
def test_formats_are_read(tmp_path, kind):
    Image.fromarray(photograph()).save(tmp_path / "picture", kind, **({} if kind == "GIF" else {"quality": 95}))
    artwork = read(tmp_path / "picture")
    assert artwork.pixels.dtype == torch.uint8
    assert_close(artwork.pixels.float(), tensor(photograph()).float(), atol=16 if kind == "GIF" else 8, rtol=0)
    assert (artwork.profile, artwork.opacity) == (None, None)


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_undone_for_colours_and_cut_out(tmp_path, turn):
    """The reference is Pillow's own transposition."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(np.dstack([photograph(), cut_out()])).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as picture:
        wanted = np.asarray(ImageOps.exif_transpose(picture))
    artwork = read(tmp_path / "a.png")
    assert_close(artwork.opacity, torch.from_numpy(wanted[..., 3].copy()))
    opaque = artwork.opacity == 255
    assert_close(artwork.pixels[:, opaque], tensor(wanted[..., :3])[:, opaque])
    assert bool((artwork.pixels[:, artwork.opacity == 0] == 255).all())
    write(tmp_path / "b.png", artwork.pixels, artwork, {})
    assert_close(read(tmp_path / "b.png").opacity, artwork.opacity)  # and not turned once more


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty file"), (b"no picture at all", "not an image"), (None, "No such file")],
    ids=["empty", "text", "absent"],
)
def test_what_is_no_picture_is_told(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BrokenPicture, match=reason):
        read(tmp_path / "a.png")


def test_half_a_picture_is_told(tmp_path):
    write(tmp_path / "a.jpg", tensor(photograph()), Artwork(tensor(photograph())), {})
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(data[: len(data) - 400])
    with pytest.raises(BrokenPicture, match="truncated"):
        read(tmp_path / "b.jpg")


@pytest.mark.parametrize("size", [(15, 64), (64, 15)])
def test_too_small_is_told(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(BrokenPicture, match=f"too small: {size[0]} x {size[1]}"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pixels_profile_and_note_come_back(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write(path, tensor(photograph()), Artwork(tensor(photograph()), PROFILE), NOTE)
    back = read(path)
    exact = suffix in (".png", ".tif", ".tiff")
    assert_close(back.pixels.float(), tensor(photograph()).float(), atol=0 if exact else 8, rtol=0)
    assert back.profile == PROFILE
    assert back.opacity is None
    assert read_note(path) == NOTE
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_file_says_that_a_network_had_a_hand_in_it(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write(path, tensor(photograph()), Artwork(tensor(photograph())), {})
    with Image.open(path) as picture:
        packet = picture.tag_v2[700] if suffix.startswith(".tif") else picture.info.get("xmp")
    assert f'DigitalSourceType="{SOURCE_TYPE}"'.encode() in packet
    assert read_note(path) == {}


def test_a_wide_gamut_is_brought_to_srgb_and_back(tmp_path):
    """The reference is the arithmetic of the profile's definition; what sRGB lacks is the nearest that it has."""
    Image.fromarray(photograph()).save(tmp_path / "a.png", icc_profile=DISPLAY_P3)
    artwork = read(tmp_path / "a.png")
    levels = photograph() / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09827]])
    wanted = (linear @ matrix.T).clip(0, 1)
    wanted = 255 * np.where(wanted <= 0.0031308, 12.92 * wanted, 1.055 * wanted ** (1 / 2.4) - 0.055)
    assert_close(artwork.pixels.double(), tensor(wanted).double(), atol=1.6, rtol=0)
    assert np.abs(wanted - photograph()).max() > 18
    changed = artwork.pixels.clone()
    changed[:, 0, 0] += 1  # or the file's own numbers would be written
    write(tmp_path / "b.png", changed, artwork, {})
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.info["icc_profile"] == DISPLAY_P3
        inside = ((wanted > 4) & (wanted < 251)).all(-1)
        assert np.abs(np.asarray(picture).astype(int) - photograph())[inside].max() <= 3


def test_what_is_kept_of_a_wide_gamut_has_the_files_own_numbers(tmp_path):
    """Also of colours that sRGB has not; and a picture that is as it was is the file's."""
    vivid = photograph()
    vivid[:8, :8] = 0, 255, 0
    Image.fromarray(np.dstack([vivid, cut_out()])).save(tmp_path / "a.png", icc_profile=DISPLAY_P3)
    artwork = read(tmp_path / "a.png")
    opaque = cut_out() == 255
    write(tmp_path / "same.png", artwork.pixels, artwork, {})
    with Image.open(tmp_path / "same.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture)[opaque, :3], vivid[opaque])
        np.testing.assert_array_equal(np.asarray(picture)[..., 3], cut_out())
    kept = torch.ones(1, 48, 64, dtype=torch.bool)
    kept[:, 20:30, 20:30] = False
    write(tmp_path / "mended.png", torch.where(kept, artwork.pixels, 90), artwork, {}, kept)
    with Image.open(tmp_path / "mended.png") as picture:
        found = np.asarray(picture)[..., :3]
    stays = opaque & kept[0].numpy()
    np.testing.assert_array_equal(found[stays], vivid[stays])
    assert (np.abs(found[~kept[0].numpy()].astype(int) - 90) <= 1).all()


def test_numbers_of_an_srgb_by_another_maker_are_left_alone(tmp_path):
    """That is one by its colours, whatever it is called."""
    for tint, own in ((0.0, True), (0.02, False)):
        profile = of_space((0.43607 + tint, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
        assert profile != PROFILE
        Image.fromarray(photograph()).save(tmp_path / "a.png", icc_profile=profile)
        artwork = read(tmp_path / "a.png")
        assert torch.equal(artwork.pixels, tensor(photograph())) == own
        assert (artwork.stored is None) == own
        assert artwork.profile == profile


def test_a_profile_of_other_colours_than_rgb_is_not_kept(tmp_path):
    """It would be read as one of the RGB values that the picture has become; one that cannot be used is as none."""
    for space in (b"CMYK", b"GRAY", b"Lab "):
        profile = PROFILE[:16] + space + PROFILE[20:]
        Image.fromarray(photograph()).save(tmp_path / "a.png", icc_profile=profile)
        assert (read(tmp_path / "a.png").profile, read(tmp_path / "a.png").stored) == (None, None)
    Image.fromarray(photograph()).save(tmp_path / "a.png", icc_profile=b"nonsense")
    assert read(tmp_path / "a.png").profile is None


def test_a_broken_profile_is_kept_with_its_numbers(tmp_path):
    broken = PROFILE[:132] + b"\xff" * 80
    Image.fromarray(photograph()).save(tmp_path / "a.png", icc_profile=broken)
    artwork = read(tmp_path / "a.png")
    assert_close(artwork.pixels, tensor(photograph()))
    assert (artwork.profile, artwork.stored) == (broken, None)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_profile_of_grey_leads_to_srgb(mode, tmp_path):
    """Of a linear one, half is bright."""
    grey = Image.new(mode, (16, 16), 128 if mode == "L" else (128, 255))
    grey.save(tmp_path / "a.png", icc_profile=of_space(None))
    artwork = read(tmp_path / "a.png")
    assert (artwork.pixels.int() - 188).abs().max() <= 1
    assert (artwork.profile, artwork.stored) == (None, None)
    Image.new("RGB", (16, 16), (128, 128, 128)).save(tmp_path / "a.png", icc_profile=of_space(None))
    assert (read(tmp_path / "a.png").pixels == 128).all()  # which it does not describe


def test_a_profile_of_cmyk_leads_to_srgb(tmp_path):
    """Of inks that are strange: cyan is a middle grey, and whatever has black is black."""
    profile = of_inks(lambda cyan, magenta, yellow, black: (0 if black else 136 if cyan else 255, 128, 128))
    for inks, grey in (((0, 0, 0, 0), 255), ((255, 0, 0, 0), 128), ((0, 0, 0, 255), 0), ((0, 255, 255, 0), 255)):
        Image.new("CMYK", (16, 16), inks).save(tmp_path / "a.tif", icc_profile=profile)
        artwork = read(tmp_path / "a.tif")
        assert (artwork.pixels.int() - grey).abs().max() <= 2
        assert (artwork.profile, artwork.stored) == (None, None)


def test_a_description_by_others_is_no_note(tmp_path):
    exif = Image.Exif()
    for text in ("a tree", "[1, 2]", "7"):
        exif[0x010E] = text
        Image.fromarray(photograph()).save(tmp_path / "a.jpg", exif=exif)
        assert read_note(tmp_path / "a.jpg") == {}


def test_what_cannot_be_written_is_told_and_leaves_what_was_there(tmp_path):
    artwork = Artwork(tensor(photograph()))
    with pytest.raises(UserError, match=r"a\.bmp: a picture's name must end in one of \.jpeg, \.jpg, \.png"):
        write(tmp_path / "a.bmp", artwork.pixels, artwork, {})
    write(tmp_path / "a.webp", artwork.pixels, artwork, NOTE)
    with pytest.raises(UserError, match="WEBP cannot hold 16384 x 16"):
        write(tmp_path / "a.webp", torch.zeros(3, 16, 16384, dtype=torch.uint8), artwork, {})
    assert read_note(tmp_path / "a.webp") == NOTE
    assert len([*tmp_path.iterdir()]) == 1
    with pytest.raises(ValueError, match=r"pixels must be uint8 \(3, H, W\), got torch.float32"):
        write(tmp_path / "a.png", torch.zeros(3, 16, 16), artwork, {})


@pytest.mark.parametrize(("size", "shape"), [(32, (3, 24, 32)), (128, (3, 96, 128)), (64, (3, 48, 64))])
def test_resizing_keeps_the_aspect_and_the_place_of_things(size, shape):
    small = resized(tensor(photograph()), size)
    assert small.shape == shape
    wanted = torch.nn.functional.interpolate(
        tensor(photograph())[None].float(), shape[1:], mode="bilinear", antialias=True
    )
    assert_close(small[None].float(), wanted, atol=5, rtol=0)
