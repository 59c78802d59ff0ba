"""Degradations one after the other."""

import pytest
import torch
from damages import picture
from torch.testing import assert_close

from atelier.degradation.blur import Blur
from atelier.degradation.chain import Chain
from atelier.degradation.colour_loss import ColourLoss
from atelier.degradation.downsample import Downsample
from atelier.degradation.holes import Holes
from atelier.degradation.noise import Noise

HOLES = Holes(count=(1, 3), size=(0.1, 0.3), fill="white")
NOISE = Noise(sigma=(5, 20))


def test_without_a_link_there_is_the_picture():
    for chain in (Chain({}), Chain({"holes": None})):
        image, known = chain.damage(picture(), 0)
        assert_close(image, picture(), rtol=0, atol=0)
        assert known.all()
        assert chain.scale == 1


def test_the_order_is_the_mappings():
    grey = {"grey": ColourLoss(amount=(1, 1))}
    white = {"holes": HOLES}
    noise = {"noise": NOISE}
    coloured = Chain(grey | noise).damage(picture(), 0).image
    assert not torch.equal(coloured[0], coloured[1])
    plain = Chain(noise | grey).damage(picture(), 0).image
    assert torch.equal(plain[0], plain[1])
    image, known = Chain(noise | white).damage(picture(), 0)
    assert (image[:, known[0] == 0] == 1).all()


@pytest.mark.parametrize(("factors", "scale"), [((2,), 2), ((4,), 4), ((2, 2), 4)])
def test_scales_multiply(factors, scale):
    chain = Chain({str(place): Downsample(factor=factor) for place, factor in enumerate(factors)} | {"noise": NOISE})
    image, known = chain.damage(picture(32, 48), 0)
    assert chain.scale == scale
    assert image.shape == (3, 32 // scale, 48 // scale)
    assert known.shape == (1, 32 // scale, 48 // scale)


def test_the_others_do_what_they_did_without_one():
    """An experiment that leaves one out compares like with like."""
    image = picture()
    both = Chain({"noise": NOISE, "holes": HOLES}).damage(image, 3)
    alone = Chain({"noise": None, "holes": HOLES}).damage(image, 3)
    assert_close(alone.known, both.known, rtol=0, atol=0)
    assert not torch.equal(alone.image, both.image)


def test_two_of_a_kind_are_not_alike():
    one = Chain({"a": HOLES}).damage(picture(), 0).known
    two = Chain({"a": HOLES, "b": HOLES}).damage(picture(), 0).known
    assert two.sum() < one.sum()


def test_seeds():
    chain = Chain({"holes": HOLES, "noise": NOISE})
    assert_close(chain.damage(picture(), 5), chain.damage(picture(), 5), rtol=0, atol=0)
    seen = [chain.damage(picture(), seed).image for seed in range(20)]
    assert len({image.numpy().tobytes() for image in seen}) == 20


def test_keys_name_what_is_done_and_in_which_order():
    chains = [
        Chain({}),
        Chain({"a": HOLES}),
        Chain({"a": HOLES, "b": NOISE}),
        Chain({"a": NOISE, "b": HOLES}),
        Chain({"a": None, "b": HOLES}),  # whose place it is matters, too
        Chain({"a": HOLES, "b": Noise(sigma=(5, 21))}),
        Chain({"a": Blur(sigma=(5, 20))}),
    ]
    assert len({chain.key for chain in chains}) == len(chains)
    assert Chain({"other": HOLES}).key == Chain({"a": HOLES}).key
