"""Each degradation does what its name says."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from damages import picture, seeded
from PIL import Image
from scipy import ndimage
from torch.testing import assert_close
from torchvision.transforms.v2 import functional

from atelier.degradation.base import Damaged
from atelier.degradation.blur import Blur
from atelier.degradation.colour_loss import ColourLoss
from atelier.degradation.downsample import Downsample
from atelier.degradation.holes import Holes
from atelier.degradation.jpeg import Jpeg
from atelier.degradation.noise import Noise
from atelier.degradation.scratches import Scratches
from atelier.degradation.sketch import Sketch


def whole(image):
    return Damaged(image, torch.ones_like(image[:1]))


def plain(level, side=64):
    return whole(torch.full((3, side, side), float(level)))


def random_picture(side=64):
    """In which no pixel is like another, nor like any that is drawn."""
    return whole(torch.rand(3, side, side, generator=seeded(5)).mul(0.6).add(0.2))


@pytest.mark.parametrize(
    "kind",
    [
        Holes(count=(1, 5), size=(0.05, 0.3)),
        Holes(count=(1, 5), size=(0.05, 0.3), fill="white"),
        Scratches(count=(2, 8), length=(0.2, 0.9), width=(0.5, 2.0)),
    ],
)
def test_lost_are_exactly_the_pixels_that_changed(kind):
    for seed in range(10):
        before = random_picture()
        image, known = kind(before, seeded(seed))
        assert torch.equal(known == 0, (image != before.image).any(0, keepdim=True))
        assert 0 < known.mean() < 1


@pytest.mark.parametrize(
    "kind",
    [
        Holes(count=(0, 0), size=(0.1, 0.3)),
        Scratches(count=(0, 0), length=(0.2, 0.9), width=(0.5, 2.0)),
        Blur(sigma=(0, 0)),
        Noise(sigma=(0, 0)),
        ColourLoss(amount=(0, 0)),
    ],
)
def test_nothing_is_nothing(kind):
    before = random_picture()
    assert_close(kind(before, seeded(0)), before, rtol=0, atol=0)


@pytest.mark.parametrize("fill", ["mean", "white"])
def test_holes_are_of_one_colour(fill):
    before = random_picture()
    image, known = Holes(count=(2, 2), size=(0.2, 0.3), fill=fill)(before, seeded(3))
    colour = before.image.mean((1, 2)) if fill == "mean" else torch.ones(3)
    lost = image[:, known[0] == 0]
    assert_close(lost, colour[:, None].expand_as(lost))


def test_there_are_as_many_holes_as_asked_for():
    """Small ones in a large picture, which hardly ever meet or leave it."""
    holes = Holes(count=(3, 6), size=(0.03, 0.03))
    counts = [ndimage.label(holes(plain(0, 256), seeded(seed)).known[0] == 0)[1] for seed in range(40)]
    assert min(counts) == 3
    assert max(counts) == 6


def test_holes_are_as_large_as_asked_for():
    """A blotch of the mean diameter d has the area of a disc and a little more; at the border parts are outside."""
    holes = Holes(count=(1, 1), size=(0.2, 0.2))
    share = np.mean([1 - holes(plain(0), seeded(seed)).known.mean().item() for seed in range(200)])
    disc = np.pi / 4 * 0.2**2
    assert 0.8 * disc < share < 1.5 * disc


def test_holes_are_no_discs():
    """Their outlines are longer than a disc's of the same area by a tenth at least."""
    lost = Holes(count=(1, 1), size=(0.3, 0.3))(plain(0, 256), seeded(2)).known[0].numpy() == 0
    outline = (lost & ~ndimage.binary_erosion(lost)).sum()
    disc = np.hypot(*np.meshgrid(*[np.arange(256) - 128] * 2)) < np.sqrt(lost.sum() / np.pi)
    assert outline > 1.1 * (disc & ~ndimage.binary_erosion(disc)).sum()


@pytest.mark.parametrize(("light", "level", "sign"), [(1, 0.5, 1), (0, 0.5, -1)])
def test_scratches_are_light_or_dark(light, level, sign):
    before = plain(level)
    image, known = Scratches(count=(3, 3), length=(0.5, 0.5), width=(2, 2), light=light)(before, seeded(0))
    assert ((image - level)[:, known[0] == 0] * sign > 0).all()


def test_some_scratches_are_light_and_some_are_dark():
    image, _ = Scratches(count=(30, 30), length=(0.2, 0.2), width=(1, 1), light=0.5)(plain(0.5), seeded(0))
    assert image.max() > 0.7
    assert image.min() < 0.3


def test_scratches_are_as_long_and_as_wide_as_asked_for():
    """The paint that is gone, whole pixels and parts of them, is about length x width, less at the tapering ends."""

    def lost(length, width):
        scratches = Scratches(count=(1, 1), length=(length, length), width=(width, width), light=0)
        # black lines of up to a fifth of white on white; the mean of what is drawn there is a tenth
        return np.mean([(1 - scratches(plain(1), seeded(n)).image.mean().item()) / 0.9 for n in range(200)]) * 64**2

    for length, width in [(0.2, 2), (0.4, 2), (0.2, 4)]:
        assert 0.4 < lost(length, width) / (64 * length * width) < 1


def test_a_scratch_has_soft_edges():
    image, known = Scratches(count=(1, 1), length=(0.9, 0.9), width=(2, 2), light=0)(plain(1), seeded(1))
    levels = image[0][known[0] == 0]
    assert ((levels > 0.3) & (levels < 0.9)).float().mean() > 0.2


def high_frequencies(image):
    spectrum = torch.fft.fft2(image).abs().square()
    far = torch.hypot(*torch.meshgrid(*[torch.fft.fftfreq(side) for side in image.shape[1:]], indexing="ij")) > 0.2
    return spectrum[:, far].sum()


def test_blur_takes_high_frequencies_and_keeps_the_mean():
    before = random_picture()
    energies = [high_frequencies(before.image)]
    for sigma in (0.5, 1.0, 2.0):
        image = Blur(sigma=(sigma, sigma))(before, seeded(0)).image
        energies.append(high_frequencies(image))
        assert_close(image.mean(), before.image.mean(), rtol=0, atol=0.01)
    assert all(2 * less < more for more, less in pairwise(energies))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.4])
def test_blur_is_torchvisions(sigma):
    image = picture()
    side = 2 * int(np.ceil(3 * sigma)) + 1
    expected = functional.gaussian_blur(image, [side, side], [sigma, sigma])
    assert_close(Blur(sigma=(sigma, sigma))(whole(image), seeded(0)).image, expected, rtol=0, atol=1e-5)


def test_blur_of_more_pixels_than_there_are():
    before = random_picture(8)
    image = Blur(sigma=(20, 20))(before, seeded(0)).image
    assert image.std((1, 2)).max() < before.image.std((1, 2)).min() / 5
    assert_close(image.mean(), before.image.mean(), rtol=0, atol=0.05)


@pytest.mark.parametrize("sigma", [2.0, 20.0])
def test_noise_is_as_strong_as_asked_for(sigma):
    difference = (Noise(sigma=(sigma, sigma))(plain(0.5, 768), seeded(0)).image - 0.5) * 255
    count = difference.numel()
    assert_close(difference.std().item(), sigma, rtol=4 / (2 * count) ** 0.5, atol=0)  # four standard errors
    assert abs(difference.mean().item()) < 4 * sigma / count**0.5
    assert np.abs(np.corrcoef(difference.flatten(1).numpy()) - np.eye(3)).max() < 5 / (count / 3) ** 0.5


def test_a_range_is_filled_evenly():
    noise = Noise(sigma=(10, 30))
    found = sorted(noise(plain(0.5), seeded(seed)).image.std().item() * 255 for seed in range(200))
    assert_close(np.quantile(found, [0, 0.25, 0.5, 0.75, 1]), np.array([10, 15, 20, 25, 30.0]), rtol=0, atol=2)


def test_jpeg_of_higher_quality_is_nearer():
    image = picture(64, 64)
    errors = [
        (Jpeg(quality=(q, q))(whole(image), seeded(0)).image - image).square().mean().item() for q in (5, 20, 60, 95)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 10 * errors[-1] > 0
    assert errors[-1] ** 0.5 < 3 / 255


@pytest.mark.parametrize("factor", [2, 4])
def test_downsampling_is_pillows(factor):
    """Its bicubic, antialiased filter in floats, channel by channel."""
    image = picture()
    expected = np.stack(
        [np.asarray(Image.fromarray(c).resize((48 // factor, 32 // factor), Image.BICUBIC)) for c in image.numpy()]
    )
    found = Downsample(factor=factor)(whole(image), seeded(0)).image
    assert_close(found, torch.from_numpy(expected).clamp(0, 1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_smaller_pixel_is_known_where_all_of_it_was(factor):
    image = picture()
    known = torch.ones(1, 32, 48)
    known[0, 9, 13] = 0
    expected = torch.ones(1, 32 // factor, 48 // factor)
    expected[0, 9 // factor, 13 // factor] = 0
    assert_close(Downsample(factor=factor)(Damaged(image, known), seeded(0)).known, expected)


def test_sides_that_cannot_be_divided():
    with pytest.raises(ValueError, match="sides must be multiples of 4, got 32 x 30"):
        Downsample(factor=4)(whole(picture(32, 30)), seeded(0))


def test_without_colour_there_is_luma():
    image = picture()
    grey = ColourLoss(amount=(1, 1))(whole(image), seeded(0)).image
    assert_close(grey[0], grey[1], rtol=0, atol=0)
    assert_close(grey[0], grey[2], rtol=0, atol=0)
    luma = (image * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)  # ITU-R BT.601
    assert_close(grey[0], luma, rtol=0, atol=1e-3)
    half = ColourLoss(amount=(0.5, 0.5))(whole(image), seeded(0)).image
    assert_close(half, (image + grey) / 2)


def sketched(image, strength, sigma=1.5):
    return Sketch(sigma=(sigma, sigma), strength=(strength, strength))(whole(image), seeded(0)).image


def test_a_sketch_has_lines_where_there_are_edges():
    image = torch.zeros(3, 32, 32)
    image[:, :, 16:] = 1
    sketch = sketched(image, strength=0.8)
    assert_close(sketch[0], sketch[2], rtol=0, atol=0)
    assert_close(sketch[:, :, 15:17].min(), torch.tensor(1 - 0.8), rtol=0, atol=0.08)
    assert_close(sketch[:, :, [*range(9), *range(23, 32)]], torch.ones(3, 32, 18), rtol=0, atol=1e-3)
    assert_close(sketch, sketched(image.transpose(1, 2), strength=0.8).transpose(1, 2))
    assert sketched(image, strength=3).min() == 0


def test_nothing_to_sketch():
    assert_close(sketched(torch.full((3, 16, 16), 0.3), strength=5), torch.ones(3, 16, 16), rtol=0, atol=1e-5)


def test_a_sketch_of_a_part_is_a_part_of_the_sketch():
    image, margin = picture(64, 64), 6  # three sigma, and one for the gradient
    part = sketched(image[:, 8:56, 8:56], strength=3)[:, margin:-margin, margin:-margin]
    assert_close(part, sketched(image, strength=3)[:, 8 + margin : 56 - margin, 8 + margin : 56 - margin])
