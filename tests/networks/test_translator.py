import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.nafnet import NafNet
from atelier.networks.resnet_translator import ResNetTranslator
from atelier.networks.translator import Translator, complete
from atelier.networks.unet import UNet

NETWORKS = {
    "unet": lambda **options: UNet(16, 4, **options),
    "resnet": lambda **options: ResNetTranslator(4, 2, **options),
    "nafnet": lambda **options: NafNet(4, (1, 1), 1, (1, 1), **options),
}
each_network = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


class Negative(Translator):
    """Paints what it sees in its negative, and notes it."""

    def forward(self, pictures):
        self.seen = pictures
        return -pictures[:, :3]


def made(make, **options):
    torch.manual_seed(0)
    return make(**options)


def pictures(*size):
    return 2 * torch.rand(*size, generator=torch.Generator().manual_seed(1)) - 1


def holes(*size):
    return (torch.rand(*size, generator=torch.Generator().manual_seed(2)) < 0.5).float()


@each_network
@pytest.mark.parametrize("size", [(16, 16), (32, 16), (48, 64)], ids=str)
def test_pictures_keep_their_size_and_range(make, size):
    drawn = made(make).eval()(pictures(2, 3, *size))
    assert drawn.shape == (2, 3, *size)
    assert drawn.abs().max() <= 1


@each_network
@pytest.mark.parametrize("masked", [False, True])
def test_every_parameter_learns(make, masked):
    network = made(make, masked=masked)
    for parameter in network.parameters():  # away from the zeros that some start at
        nn.init.normal_(parameter, 0, 0.1)
    network(pictures(2, network.inputs, 16, 16)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


@each_network
def test_pictures_do_not_mix_within_a_batch(make):
    network, batch = made(make).eval(), pictures(2, 3, 16, 16)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.1)
    together = network(batch)
    assert (together[0] - together[1]).abs().max() > 1e-2
    assert_close(together, torch.cat([network(picture[None]) for picture in batch]), rtol=1e-4, atol=1e-5)


@each_network
def test_sides_and_channels_that_do_not_fit_are_told(make):
    network = made(make)
    with pytest.raises(ValueError, match=rf"sides that are multiples of {network.multiple}, .* got \(1, 3, 16, 17\)"):
        network(pictures(1, 3, 16, 17))
    with pytest.raises(ValueError, match=rf"{network.least} or more, got"):
        network(torch.zeros(1, 3, 0, 16))
    with pytest.raises(ValueError, match=r"pictures must have 3 channels, got \(1, 4, 16, 16\)"):
        network(pictures(1, 4, 16, 16))


@each_network
def test_the_least_side_is_enough(make):
    network = made(make)
    assert network(pictures(2, 3, network.least, network.least)).isfinite().all()


@each_network
def test_built_on_the_meta_device(make):
    with torch.device("meta"):
        network = make()
        assert network(torch.empty(2, 3, 16, 16)).is_meta


@each_network
def test_half_precision(make):
    """Within bfloat16's eight bits or so, through a few layers."""
    network, batch = made(make).eval(), pictures(1, 3, 16, 16)
    with torch.no_grad():
        exact, rough = network(batch), network.bfloat16()(batch.bfloat16())
    assert rough.dtype == torch.bfloat16
    assert_close(rough.float(), exact, rtol=0, atol=0.1)


@each_network
def test_the_mask_is_seen(make):
    network = made(make, masked=True).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.1)
    content, known = pictures(1, 3, 16, 16), holes(1, 1, 16, 16)
    drawn = [network(torch.cat([content, mask], 1)) for mask in (known, torch.ones_like(known))]
    assert (drawn[0] - drawn[1]).abs().max() > 1e-2


def test_no_maps_unless_a_network_has_some():
    assert Negative().features(pictures(1, 3, 4, 4), ()) == {}
    with pytest.raises(ValueError, match=r"taps must be among \[\], got \['down1'\]"):
        Negative().features(pictures(1, 3, 4, 4), ["down1"])


@pytest.mark.parametrize("masked", [False, True])
def test_known_pixels_stay_as_they_are(masked):
    network, content, known = Negative(masked), pictures(2, 3, 8, 8), holes(2, 1, 8, 8)
    completed, everywhere = complete(network, content, known), known.expand_as(content) == 1
    assert_close(completed[everywhere], content[everywhere], rtol=0, atol=0)
    expected = torch.zeros_like(content) if masked else -content
    assert_close(completed[~everywhere], expected[~everywhere])


def test_a_masked_network_sees_the_mask_and_nothing_of_what_is_lost():
    network, content, known = Negative(masked=True), pictures(2, 3, 8, 8), holes(2, 1, 8, 8)
    complete(network, content, known)
    assert_close(network.seen, torch.cat([content * known, known], 1))
    complete(network, content, None)
    assert_close(network.seen, torch.cat([content, torch.ones_like(known)], 1))


@pytest.mark.parametrize("masked", [False, True])
def test_all_is_drawn_anew_where_nothing_is_marked(masked):
    content = pictures(2, 3, 8, 8)
    assert_close(complete(Negative(masked), content, None), -content)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "scale must be >= 1, got 0"),
        ({"scale": 2, "masked": True}, r"masked must be false where the picture is enlarged \(scale 2\)"),
    ],
)
def test_what_cannot_be_built_is_told(options, message):
    with pytest.raises(ValueError, match=message):
        Negative(**options)
