"""What a decoder begins with, whatever the encoder."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.encoders import embedded
from atelier.networks.decoder import Decoder
from atelier.networks.slim import SlimDecoder, widths
from atelier.networks.transforms.adain import AdaIN
from atelier.networks.transforms.sanet import SANet
from atelier.networks.transforms.wct import WCT
from atelier.tasks.level import FIRST, Level, noise

EMBEDDED = embedded()


def louder(times):
    """The embedded encoder, with activations so many times as large."""
    return SimpleNamespace(
        widths=EMBEDDED.widths,
        taps=lambda images, names: {name: times * seen for name, seen in EMBEDDED.taps(images, names).items()},
    )


def level(transform, times=1.0):
    torch.manual_seed(0)
    made = transform() if transform is not SANet else SANet(EMBEDDED.widths)
    return Level(louder(times), made, Decoder(EMBEDDED.widths, made.taps[0]))


@pytest.mark.parametrize("transform", [AdaIN, WCT])
def test_a_decoder_begins_alike_whatever_the_size_of_its_features(transform):
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    drawn = []
    for times in (1.0, 30.0):
        one = level(transform, times)
        one.begin()
        drawn.append(one.draw(one.encode(pictures)[one.transform.taps[0]]))
    assert_close(drawn[0], drawn[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("transform", [AdaIN, WCT, SANet])
def test_what_it_draws_first_is_nearly_grey(transform):
    one = level(transform, 300.0)
    assert size(one) > 5
    one.begin()
    assert 0.3 * FIRST < size(one) < 3 * FIRST


@torch.no_grad()
def size(one):
    return one.draw(one.transform.plain(one.encode(noise()))).square().mean().sqrt()


def test_a_decoder_wider_than_its_encoder_is_counted():
    """Its last map beside the picture, of four bytes a value and a little more."""
    alone = Level(EMBEDDED, AdaIN(), nn.Identity()).bytes_per_pixel
    found = {
        width: Level(EMBEDDED, AdaIN(), Decoder(EMBEDDED.widths, width=width)).bytes_per_pixel for width in (None, 256)
    }
    assert found[None] == alone
    looked_at = EMBEDDED.widths["relu4_1"] / 8**2
    assert found[256] == pytest.approx(4 * (2 * 3 + 1.15 * (256 + 3) + looked_at))


def test_another_decoder_is_left_alone():
    one = level(AdaIN)
    one.decoder = nn.Conv2d(EMBEDDED.widths["relu4_1"], 3, 1)
    before = one.decoder.weight.clone()
    one.begin()
    assert_close(one.decoder.weight, before, rtol=0, atol=0)


def test_no_random_number_of_the_run_is_used_up():
    one = level(AdaIN)
    before = torch.random.get_rng_state()
    one.begin()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_decoder_that_knows_its_features_stays_as_it_is():
    decoder = SlimDecoder(2)
    before = [weights.clone() for weights in decoder.parameters()]
    wide = SimpleNamespace(
        widths=widths(2), taps=lambda images, names: {name: torch.rand(2, 32, 64, 64) for name in names}
    )
    Level(wide, AdaIN("relu2_1"), decoder).begin()
    for weights, expected in zip(decoder.parameters(), before, strict=True):
        assert_close(weights, expected, rtol=0, atol=0)
