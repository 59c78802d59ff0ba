import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from atelier.metrics.extractors.resizing import KERNELS, antialias, tf1

SIZES = [(32, 32), (64, 64), (400, 300), (50, 401)]


def by_pil(image, side):
    channels = [Image.fromarray(channel.numpy().astype(np.float32)) for channel in image]
    resized = [np.asarray(channel.resize((side, side), Image.Resampling.BILINEAR)) for channel in channels]
    return torch.from_numpy(np.stack(resized))


def test_tensorflow_1_begins_at_the_corner_and_repeats_the_edge():
    image = torch.tensor([[0, 10], [20, 40]], dtype=torch.uint8).expand(1, 3, 2, 2)
    expected = [[0, 5, 10, 10], [10, 17.5, 25, 25], [20, 30, 40, 40], [20, 30, 40, 40]]
    assert_close(tf1(image, 4)[0, 0], torch.tensor(expected), rtol=0, atol=0)


def test_tensorflow_1_skips_pixels_where_images_shrink():
    image = (torch.arange(6).expand(6, 6) * 10).to(torch.uint8).expand(1, 3, 6, 6)
    assert_close(tf1(image, 2)[0, 0], torch.tensor([[0.0, 30.0], [0.0, 30.0]]), rtol=0, atol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_tf1_is_torch_fidelitys(pictures, size):
    images = pictures(2, *size)
    expected = interpolate_bilinear_2d_like_tensorflow1x(images.float(), size=(299, 299), align_corners=False)
    assert_close(tf1(images, 299), expected, rtol=0, atol=0)


@pytest.mark.parametrize("side", [64, 299])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_antialias_is_pils_bilinear(pictures, size, side):
    images = pictures(2, *size)
    expected = torch.stack([by_pil(image, side) for image in images])
    assert_close(antialias(images, side), expected, rtol=0, atol=3e-3)  # of 255; weights in float32


@pytest.mark.parametrize("kernel", [*KERNELS])
def test_an_image_of_that_size_stays_as_it_is(pictures, kernel):
    images = pictures(2, 64, 64)
    assert_close(KERNELS[kernel](images, 64), images.float(), rtol=0, atol=0)


@pytest.mark.parametrize("kernel", [*KERNELS])
def test_the_layout_in_memory_makes_no_difference(pictures, kernel):
    images = pictures(3, 70, 50)
    expected = KERNELS[kernel](images, 64)
    assert torch.equal(KERNELS[kernel](images.to(memory_format=torch.channels_last), 64), expected)
