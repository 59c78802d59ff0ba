"""Varnish can be taken off again."""

import pytest
import torch
from damages import picture, seeded
from torch.testing import assert_close

from atelier.degradation.base import Damaged
from atelier.degradation.varnish import Layer, Varnish

VARNISH = Varnish(fading=(0.05, 0.3), yellowing=(0.2, 0.8), gamma=(0.9, 1.4))  # as old_painting has it
WIDEST = Varnish(fading=(0, 0.95), yellowing=(0, 1), gamma=(0.5, 2))

CLEAR = Layer(fading=0, yellowing=0, gamma=1)


def gradient():
    """All levels from black to white in each channel."""
    return torch.linspace(0, 1, 256).expand(3, 1, 256)


@pytest.mark.parametrize(("varnish", "layers", "tolerance"), [(VARNISH, 50, 1e-4), (WIDEST, 200, 4e-3)])
def test_what_was_under_it_comes_back(varnish, layers, tolerance):
    for image in (picture(), gradient()):
        for seed in range(layers):
            layer = varnish.draw(seeded(seed))
            assert_close(varnish.restored(varnish.applied(image, layer), layer), image, rtol=0, atol=tolerance)


@pytest.mark.parametrize("gamma", [0.5, 1, 2])
def test_at_the_limits_too(gamma):
    layer = Layer(fading=0.95, yellowing=1, gamma=gamma)
    assert_close(WIDEST.restored(WIDEST.applied(gradient(), layer), layer), gradient(), rtol=0, atol=4e-3)


def test_nothing_is_clipped():
    for seed in range(100):
        image = WIDEST.applied(gradient(), WIDEST.draw(seeded(seed)))
        assert (image.diff(dim=2) > 0).float().mean() > 0.99
        assert image.min() >= 0
        assert image.max() <= 1


def test_the_layer_that_is_drawn_is_the_one_applied():
    image = picture()
    expected = VARNISH.applied(image, VARNISH.draw(seeded(7)))
    assert_close(VARNISH(Damaged(image, image[:1]), seeded(7)).image, expected, rtol=0, atol=0)


def test_a_clear_layer_changes_nothing():
    assert_close(VARNISH.applied(picture(), CLEAR), picture())


def test_white_becomes_the_tint():
    tint = torch.tensor(VARNISH.tint)
    white = torch.ones(3, 1, 1)
    assert_close(VARNISH.applied(white, CLEAR._replace(yellowing=1))[:, 0, 0], tint)
    assert_close(VARNISH.applied(0 * white, CLEAR._replace(fading=0.4))[:, 0, 0], 0.4 * tint)
    red, green, blue = VARNISH.applied(white, CLEAR._replace(yellowing=0.5))[:, 0, 0].tolist()
    assert 1 > red > green > blue


def test_fading_is_loss_of_contrast():
    image = picture()
    for fading in (0.2, 0.5):
        faded = VARNISH.applied(image, CLEAR._replace(fading=fading))
        assert_close(faded.std((1, 2)), (1 - fading) * image.std((1, 2)))


def test_only_colours_that_no_picture_has_are_clipped():
    layer = Layer(fading=0.3, yellowing=0.5, gamma=1.2)
    assert VARNISH.restored(torch.zeros(3, 1, 1), layer).tolist() == [[[0]], [[0]], [[0]]]
    assert VARNISH.restored(torch.ones(3, 1, 1), layer).tolist() == [[[1]], [[1]], [[1]]]
