"""Held against torch's own convolution, in float64, where rounding hides nothing."""

import threading

import pytest
import torch
from torch.nn.functional import conv2d
from torch.testing import assert_close

from atelier.networks import winograd_sums
from atelier.networks.winograd_sums import channels_first, channels_last, convolved, gradients, scratch, transformed

SIZES = [(8, 12), (9, 6), (1, 1), (3, 23)]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def noise(*shape, dtype=torch.float64, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def case(size, images=3, dtype=torch.float64):
    """Maps with a pixel around them, filters, and a slope of the output."""
    height, width = size
    shapes = (images, 5, height + 2, width + 2), (7, 5, 3, 3), (images, 7, height, width)
    return [noise(*shape, dtype=dtype, seed=seed) for seed, shape in enumerate(shapes)]


@pytest.fixture(params=[1, 5, 256], autouse=True)
def at_once(request, monkeypatch):
    """Sides need not be whole tiles, a picture one strip, nor a strip one picture."""
    monkeypatch.setattr(winograd_sums, "AT_ONCE", request.param)


@each_size
def test_the_sums_are_those_of_a_convolution(size):
    surrounded, weight, _ = case(size)
    bias = noise(7)
    assert_close(convolved(surrounded, transformed(weight), bias), conv2d(surrounded, weight, bias))
    assert_close(convolved(surrounded, transformed(weight)), conv2d(surrounded, weight))


@each_size
def test_gradients_are_those_of_a_convolution(size):
    surrounded, weight, slope = case(size)
    sources = surrounded.clone().requires_grad_(), weight.clone().requires_grad_()
    to_map, to_weight = torch.autograd.grad(conv2d(*sources), sources, slope)
    kernels = transformed(weight)
    assert_close(gradients(slope, kernels, surrounded), (to_map, to_weight))
    assert_close(gradients(slope, kernels)[0], to_map)
    assert_close(gradients(slope, surrounded=surrounded)[1], to_weight)
    assert gradients(slope, kernels)[1] is gradients(slope, surrounded=surrounded)[0] is None


def test_no_images_have_no_gradient():
    scratch("learnt", (36, 7, 5), noise(1)).fill_(1e9)  # as any before them may have left it
    surrounded, weight, slope = case((8, 12), images=0)
    to_map, to_weight = gradients(slope, transformed(weight), surrounded)
    assert to_map.shape == surrounded.shape
    assert_close(to_weight, torch.zeros_like(weight))


@each_size
def test_any_layout_will_do(size):
    surrounded, weight, slope = case(size)
    last = [one.contiguous(memory_format=torch.channels_last) for one in (surrounded, weight, slope)]
    kernels = transformed(weight)
    assert_close(transformed(last[1]), kernels)
    assert_close(convolved(last[0], kernels), convolved(surrounded, kernels))
    assert_close(gradients(last[2], kernels, last[0]), gradients(slope, kernels, surrounded))


def test_rounding_stays_small():
    surrounded, weight, slope = noise(1, 256, 18, 18), noise(256, 256, 3, 3), noise(1, 256, 16, 16)
    sources = surrounded.clone().requires_grad_(), weight.clone().requires_grad_()
    drawn = conv2d(*sources)
    expected = drawn.detach(), *torch.autograd.grad(drawn, sources, slope)
    kernels = transformed(weight.float())
    found = convolved(surrounded.float(), kernels), *gradients(slope.float(), kernels, surrounded.float())
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32
        assert 0 < float((ours - theirs).norm() / theirs.norm()) < 5e-6


def test_what_was_found_before_leaves_no_trace():
    """In memory that is used again."""
    cases = case((9, 6)), case((3, 23), images=1)

    def found(surrounded, weight, slope):
        kernels = transformed(weight, kept=False)
        return convolved(surrounded, kernels), *gradients(slope, kernels, surrounded)

    fresh = [found(*one) for one in cases]
    for kept in winograd_sums._scratch.kept.values():
        kept.fill_(torch.nan)
    assert_close([found(*one) for one in cases], fresh, rtol=0, atol=0)


def test_threads_do_not_share_working_memory():
    ours, theirs = scratch("tiles", (8,), noise(1)), []
    thread = threading.Thread(target=lambda: theirs.append(scratch("tiles", (8,), noise(1))))
    thread.start()
    thread.join()
    assert scratch("tiles", (4, 2), noise(1)).data_ptr() == ours.data_ptr() != theirs[0].data_ptr()


def test_working_memory_made_in_inference_serves_training():
    winograd_sums._scratch.kept.clear()
    surrounded, weight, slope = case((8, 12))
    with torch.inference_mode():
        drawn = convolved(surrounded, transformed(weight, kept=False))
    kernels = transformed(weight, kept=False)
    assert_close(convolved(surrounded, kernels), drawn, rtol=0, atol=0)
    gradients(slope, kernels, surrounded)


def test_layouts():
    maps = noise(2, 3, 4, 5)
    last = channels_last(maps)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert channels_first(last).is_contiguous()
    assert_close([last, channels_last(last), channels_first(last)], [maps] * 3, rtol=0, atol=0)
