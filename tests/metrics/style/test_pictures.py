import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.testing import assert_close

from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.pictures import ColourHistogramDistance, LpipsDistance, Ssim, histograms


def flat(*colours):
    return torch.tensor(colours, dtype=torch.uint8).view(-1, 3, 1, 1).expand(-1, 3, 16, 16)


def similarity(first, second):
    """Wang et al. 2004, eq. 13, channel by channel; the window reaches 5 pixels, 3.5 deviations."""

    def smooth(image):
        return gaussian_filter(image, 1.5, truncate=3.5, mode="mirror")

    found = []
    for one, other in zip(first.double().numpy(), second.double().numpy(), strict=True):
        mean, mean_other = smooth(one), smooth(other)
        variance, variance_other = smooth(one**2) - mean**2, smooth(other**2) - mean_other**2
        covariance = smooth(one * other) - mean * mean_other
        small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        likeness = (2 * mean * mean_other + small) * (2 * covariance + smaller)
        found.append(likeness / ((mean**2 + mean_other**2 + small) * (variance + variance_other + smaller)))
    return float(np.mean(found))


def test_ssim_is_that_of_wang_et_al(pictures):
    content, stylised = pictures(2, 1), pictures(2, 1).roll(1, 3)
    measure = Ssim()
    measure.update(content, content, stylised)
    expected = np.mean([similarity(*pair) for pair in zip(content, stylised, strict=True)])
    assert 0.05 < expected < 0.95
    assert_close(measure.compute(), {"ssim": float(expected)}, rtol=1e-3, atol=0)


@pytest.mark.parametrize("count", [1, 3])
def test_ssim_of_flat_pictures_is_that_of_their_means(count):
    measure = Ssim()
    first, second = flat(*[(100, 100, 100)] * count), flat(*[(200, 200, 200)] * count)
    measure.update(first, first, second)
    small = (0.01 * 255) ** 2
    expected = (2 * 100 * 200 + small) / (100**2 + 200**2 + small)
    assert measure.compute()["ssim"] == pytest.approx(expected, abs=1e-3)


def test_histograms_are_numpys(pictures):
    images = pictures(3, 0)
    edges = [np.linspace(0, 256, 9)] * 3
    expected = [np.histogramdd(image.flatten(1).T.numpy(), edges)[0].ravel() / 64**2 for image in images]
    assert_close(histograms(images), torch.from_numpy(np.stack(expected)))


def test_colours_that_are_not_shared_are_at_distance_one():
    measure = ColourHistogramDistance()
    style, stylised = flat((255, 0, 0)), flat((0, 0, 255))
    measure.update(style, style, stylised)
    assert measure.compute()["colour_histogram_distance"] == pytest.approx(1)


def test_the_colour_distance_is_hellingers():
    """Half of the pixels have changed: (1 - √½)^½."""
    style = flat((10, 10, 10))
    stylised = style.clone()
    stylised[..., 8:] = 200
    measure = ColourHistogramDistance()
    measure.update(style, style, stylised)
    assert measure.compute()["colour_histogram_distance"] == pytest.approx((1 - 0.5**0.5) ** 0.5)


def test_where_colours_are_and_how_they_are_shuffled_does_not_matter(pictures):
    style = pictures(1, 0)
    measure = ColourHistogramDistance()
    measure.update(style, style, style.flip(2, 3))
    assert measure.compute()["colour_histogram_distance"] == 0
    measure.reset()
    measure.update(style, style, style.flip(1))
    assert measure.compute()["colour_histogram_distance"] > 0.1


def test_the_lpips_score_is_the_mean_distance_to_the_content(lpips, pictures):
    content, stylised = pictures(3, 1), pictures(3, 2)
    measure = LpipsDistance(lpips)
    measure.load(torch.device("cpu"))
    measure.update(content, pictures(3, 3), stylised)
    assert_close(measure.compute(), {"lpips": float(lpips(content, stylised).mean())}, rtol=1e-6, atol=0)
    assert measure.protocol()["backbone"] == "alex"


def test_lpips_by_another_network_has_another_name(lpips):
    assert LpipsDistance(Lpips("vgg", str(lpips.file.path))).name == "lpips_vgg"
