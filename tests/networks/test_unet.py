import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.unet import UNet


def pictures(*size):
    return 2 * torch.rand(*size, generator=torch.Generator().manual_seed(1)) - 1


def made(*args, **options):
    torch.manual_seed(0)
    return UNet(*args, **options)


def layers(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def test_it_is_the_network_of_the_paper():
    """Isola et al. 2017, section 6.1.1, with the channels that are passed on counted where they come in."""
    with torch.device("meta"):
        network = UNet(256, norm="batch")
    assert [layer.out_channels for layer in layers(network, nn.Conv2d)] == [64, 128, 256, *[512] * 5]
    ups = layers(network, nn.ConvTranspose2d)
    assert [layer.out_channels for layer in ups] == [512, 512, 512, 512, 256, 128, 64, 3]
    assert [layer.in_channels for layer in ups] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert all(layer.kernel_size == (4, 4) and layer.stride == (2, 2) for layer in [*layers(network, nn.Conv2d), *ups])
    assert [bool(layer.p) for layer in layers(network, nn.Dropout)] == [True] * 3 + [False] * 4
    norms = [len(layers(down, nn.BatchNorm2d)) for down in network.encoder]
    assert norms == [0, 1, 1, 1, 1, 1, 1, 0]  # after the paper's erratum, no norm of a single pixel


def test_it_is_as_large_as_the_papers():
    """54.414 million, as its authors' program prints, which has no biases in the layers down; here two have, as no norm
    follows them."""
    down = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 4 * 512 * 512)
    up = 16 * (512 * 512 + 3 * 1024 * 512 + 1024 * 256 + 512 * 128 + 256 * 64 + 128 * 3) + 3
    norms = 2 * (128 + 256 + 4 * 512) + 2 * (4 * 512 + 256 + 128 + 64)
    assert round((down + up + norms) / 1e6, 3) == 54.414
    with torch.device("meta"):
        assert (
            sum(parameter.numel() for parameter in UNet(256, norm="batch").parameters()) == down + up + norms + 64 + 512
        )


@pytest.mark.parametrize(("size", "depth"), [(8, None), (16, None), (32, None), (48, 4), (16, 1), (20, 2)])
@pytest.mark.parametrize("norm", ["batch", "instance", None])
def test_sizes_and_depths(size, depth, norm):
    network = made(size, 2, depth, norm)
    assert network(pictures(2, 3, size, size)).shape == (2, 3, size, size)
    assert size % network.multiple == 0
    assert network(pictures(2, 3, network.least, network.least + network.multiple)).isfinite().all()


def test_as_deep_as_to_a_single_pixel_unless_told():
    assert (UNet(32, 2).multiple, UNet(32, 2, 3).multiple) == (32, 8)
    network = made(32, 2)
    assert network.features(pictures(1, 3, 32, 32), ["down5"])["down5"].shape == (1, 16, 1, 1)


def test_a_bottleneck_of_several_pixels_is_normalised():
    network = made(32, 2, 3)
    assert [len(layers(down, nn.InstanceNorm2d)) for down in network.encoder] == [0, 1, 1]
    bottleneck = network.features(pictures(2, 3, 32, 32), ["down3"])["down3"]
    assert bottleneck.shape[2:] == (4, 4)
    assert_close(bottleneck.mean((2, 3)), torch.zeros(2, 8), rtol=0, atol=1e-5)


def test_it_is_what_its_parts_say():
    """Against the pictures passed by hand."""
    network, batch = made(16, 2, 2, dropout=0).eval(), pictures(2, 3, 16, 16)
    (first, second), (up, last) = network.encoder, network.decoder
    outer = first(batch)
    inner = second[2](second[1](nn.functional.leaky_relu(outer, 0.2)))
    inner = up[2](up[1](inner.relu()))
    expected = last[1](torch.cat([inner, outer], 1).relu()).tanh()
    assert_close(network(batch), expected)
    assert (network(batch) - last[1](torch.cat([inner, 0 * outer], 1).relu()).tanh()).abs().max() > 1e-3


def test_units_are_dropped_in_training_alone():
    network, batch = made(16, 4), pictures(1, 3, 16, 16)
    assert (network(batch) - network(batch)).abs().max() > 1e-3
    network.eval()
    assert_close(network(batch), network(batch), rtol=0, atol=0)
    network = made(16, 4, dropout=0)
    assert_close(network(batch), network(batch), rtol=0, atol=0)


def test_maps_stop_at_the_deepest_asked_for():
    network, batch, run = made(16, 2), pictures(2, 3, 16, 16), []
    for name, part in [*network.encoder.named_children(), *network.decoder.named_children()]:
        part.register_forward_hook(lambda *_, name=name: run.append(name))
    found = network.features(batch, ["down2", "pixels"])
    assert run == ["down1", "down2"]
    assert found["pixels"] is batch
    assert {name: part.shape[1] for name, part in network.features(batch, network.widths).items()} == network.widths


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 48}, r"image_size must be a power of two .* got 48 \(nearest: 32 or 64\)"),
        ({"image_size": 100, "depth": 5}, r"multiple of 2 \*\* depth = 32, got 100 \(nearest: 96 or 128\)"),
        ({"image_size": 16, "depth": 5}, r"multiple of 2 \*\* depth = 32, got 16 \(nearest: 32\)"),
        ({"depth": 0}, "depth must be >= 1 or null, got 0"),
        ({"width": 0}, "width must be >= 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"norm": "bach"}, "norm must be one of .* got 'bach'"),
    ],
)
def test_what_cannot_be_built_is_told(options, message):
    with pytest.raises(ValueError, match=message):
        UNet(**{"image_size": 32, "width": 2} | options)
