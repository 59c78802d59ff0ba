import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks import embedded, slim, vgg
from atelier.networks.decoder import Decoder
from atelier.networks.reflection import ENLARGING

SMALL = {"relu1_1": 4, "relu1_2": 5, "relu2_1": 6, "relu3_1": 7, "relu3_2": 8, "relu4_1": 9}


def made(*arguments):
    torch.manual_seed(0)
    return Decoder(*arguments)


def plain(decoder, enlarged_after):
    """Its convolutions as in the paper, enlarging after the numbered ones."""
    layers = []
    for number, convolution in enumerate(decoder.convolutions.values()):
        same = nn.Conv2d(convolution.in_channels, convolution.out_channels, 3)
        same.load_state_dict(convolution.state_dict())
        layers += [nn.ReflectionPad2d(1), same, nn.ReLU()]
        layers += [nn.Upsample(scale_factor=2)] if number in enlarged_after else []
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("size", [(2, 2), (3, 5)], ids=str)
@pytest.mark.parametrize("frozen", [False, True])
def test_it_is_the_plain_network(size, frozen):
    decoder = made(SMALL).requires_grad_(not frozen)
    features = torch.rand(2, 9, *size)
    images = decoder(features.clone())
    assert_close(images, plain(decoder, {0, 2, 3})(features), rtol=1e-4, atol=1e-5)


def test_for_vgg_19_it_is_the_papers():
    """Nine convolutions to 3,505,219 weights, of these channels; three enlargements."""
    decoder = Decoder(vgg.WIDTHS)
    channels = [(layer.in_channels, layer.out_channels) for layer in decoder.convolutions.values()]
    assert channels == [(512, 256), *[(256, 256)] * 3, (256, 128), (128, 128), (128, 64), (64, 64), (64, 3)]
    assert sum(weight.numel() for weight in decoder.parameters()) == 3_505_219


@pytest.mark.parametrize("deepest", ["relu4_1", "relu5_1"])
def test_a_slim_encoders_mirror_may_have_the_papers_width(deepest):
    """But for what it is given: 64 channels, doubled at each halving and 512 at most, are VGG-19's own."""
    slimmed, whole = Decoder(slim.widths(5), deepest, width=64), Decoder(vgg.WIDTHS, deepest)
    channels = [(layer.in_channels, layer.out_channels) for layer in slimmed.convolutions.values()]
    papers = [(layer.in_channels, layer.out_channels) for layer in whole.convolutions.values()]
    assert channels == [(128, papers[0][1]), *papers[1:]]
    assert slimmed(torch.randn(1, 128, 3, 2)).shape[2:] == whole(torch.randn(1, 512, 3, 2)).shape[2:]


def test_features_neither_fade_nor_grow_on_their_way_at_first():
    """In the mean over initial weights, for three channels are few. With torch's own it is 0.03, and that is biases."""
    torch.manual_seed(0)
    features, passed = torch.rand(2, vgg.WIDTHS["relu4_1"], 6, 6), []
    for _ in range(5):
        with torch.no_grad():
            passed.append(Decoder(vgg.WIDTHS)(features).square().mean() / features.square().mean())
    assert 0.5 < torch.stack(passed).mean().sqrt() < 2


MIRRORED = {
    "vgg": (vgg.WIDTHS, "relu2_2"),
    "embedded": (embedded.WIDTHS, "relu4_1"),
    "embedded, whole": (embedded.WIDTHS, "relu5_2"),
    "slim": (slim.widths(5), "relu5_1"),
    "shallow": (slim.widths(1), "relu1_1"),
}


@pytest.mark.parametrize("name", MIRRORED)
def test_features_of_any_encoder_become_pictures(name):
    widths, deepest = MIRRORED[name]
    images = made(widths, deepest)(torch.randn(2, widths[deepest], 3, 2))
    scale = 2 ** (int(deepest[4]) - 1)
    assert images.shape == (2, 3, 3 * scale, 2 * scale)
    assert images.min() < 0  # the last convolution is linear


def test_it_learns_to_undo_an_encoder():
    torch.manual_seed(0)
    encoder, decoder = embedded.Embedded.pretrained(), Decoder(embedded.WIDTHS, "relu2_1")
    coarse = torch.rand(4, 3, 4, 4) * 2 - 1
    images = nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")
    features = encoder.taps(images, ["relu2_1"])["relu2_1"]
    optimizer = torch.optim.Adam(decoder.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = (decoder(features) - images).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.1 * images.var()


@pytest.mark.parametrize("upsampling", [*ENLARGING])
@pytest.mark.parametrize("deepest", ["relu4_1", "relu3_2", "relu1_1"])
def test_a_tile_differs_from_the_whole_as_deep_as_the_reach_and_no_deeper(deepest, upsampling):
    decoder = made(SMALL, deepest, upsampling).requires_grad_(False)
    features, scale = torch.rand(1, SMALL[deepest], 4, 40), 2 ** (int(deepest[4]) - 1)
    whole, tile = decoder(features), decoder(features[..., 8:-8])

    change = (whole[..., 8 * scale : -8 * scale] - tile).abs().amax((0, 1, 2)) / whole.std()

    assert change[decoder.reach : -decoder.reach].max() < 1e-5
    assert change[decoder.reach - 1] > 1e-5
    assert change[-decoder.reach] > 1e-5


def test_a_gentle_slope_stays_one_where_it_is_enlarged_smoothly():
    """And has steps where it is not: what the whole decoder's convolutions, here a mean each, then see."""
    features = torch.linspace(0, 1, 12).expand(1, 9, 12, 12)
    bends = {}
    for upsampling in ENLARGING:
        decoder = made(SMALL, "relu4_1", upsampling)
        for convolution in decoder.convolutions.values():
            convolution.weight.data.zero_()
            convolution.weight.data[:, :, 1, 1] = 1 / convolution.in_channels
        line = decoder(features)[0, 0, 40, 16:-16]
        bends[upsampling] = line.diff().diff().abs().max() / line.diff().mean()
    assert bends["bilinear"] < 1e-3
    assert bends["nearest"] > 1


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match=r"upsampling must be one of \['nearest', 'bilinear'\], got 'cubic'"):
        Decoder(vgg.WIDTHS, upsampling="cubic")
    with pytest.raises(ValueError, match=r"deepest must be among \['relu1_1', .*\], got 'conv4_1'"):
        Decoder(vgg.WIDTHS, "conv4_1")
    with pytest.raises(ValueError, match="width must be >= 1, or null for the encoder's, got 0"):
        Decoder(vgg.WIDTHS, width=0)
