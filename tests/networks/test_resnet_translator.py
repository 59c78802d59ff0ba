import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.padding import make_seamless
from atelier.networks.resnet_translator import ResNetTranslator

each_layout = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["NCHW", "NHWC"])


def pictures(*size):
    return 2 * torch.rand(*size, generator=torch.Generator().manual_seed(1)) - 1


def made(width=4, blocks=2):
    torch.manual_seed(0)
    return ResNetTranslator(width, blocks)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        first, second = (convolution(width, width, 3) for _ in range(2))
        self.layers = nn.Sequential(*first, nn.ReLU(), *second)

    def forward(self, features):
        return features + self.layers(features)


def convolution(before, after, side, stride=1):
    padding = nn.ReflectionPad2d(side // 2)
    return padding, nn.Conv2d(before, after, side, stride, bias=False), nn.InstanceNorm2d(after)


def plain(network, width, blocks):
    """The same network of torch's own modules, one for each step, with its weights."""
    made = nn.Sequential(
        *(*convolution(3, width, 7), nn.ReLU()),
        *(*convolution(width, 2 * width, 3, 2), nn.ReLU()),
        *(*convolution(2 * width, 4 * width, 3, 2), nn.ReLU()),
        *(Residual(4 * width) for _ in range(blocks)),
        *(nn.Upsample(scale_factor=2), *convolution(4 * width, 2 * width, 3), nn.ReLU()),
        *(nn.Upsample(scale_factor=2), *convolution(2 * width, width, 3), nn.ReLU()),
        *(nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()),
    )
    with torch.no_grad():
        for ours, theirs in zip(network.parameters(), made.parameters(), strict=True):
            theirs.copy_(ours)
    return made


@each_layout
def test_it_is_the_network_of_the_paper(layout):
    network = made().to(memory_format=layout)
    reference, batch = plain(network, 4, 2), pictures(2, 3, 24, 16)
    assert_close(network(batch.contiguous(memory_format=layout)), reference(batch), rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        assert_close(network(batch.contiguous(memory_format=layout)), reference(batch), rtol=1e-4, atol=1e-5)


@each_layout
def test_norms_are_exact_far_from_zero(layout):
    """Of a mean of a hundred deviations, where the kernel for channels last is off by 0.04 of one."""
    features = (100 + torch.randn(1, 3, 128, 128)).contiguous(memory_format=layout)
    found = made().encoder.between[0](features)
    assert_close(found, nn.functional.instance_norm(features.double()).float(), rtol=1e-3, atol=1e-3)


def test_gradients_are_those_of_the_network_of_the_paper():
    network, batch = made().double(), pictures(1, 3, 16, 16).double().requires_grad_()
    reference = plain(network, 4, 2).double()
    ours, theirs = (
        torch.autograd.grad(one(batch).square().sum(), [batch, *one.parameters()]) for one in (network, reference)
    )
    for one, other in zip(ours, theirs, strict=True):
        assert_close(one, other)


def test_every_weight_matters():
    """So the comparison above would see another."""
    network, batch = made(), pictures(1, 3, 16, 16)
    before = network(batch)
    for parameter in network.parameters():
        with torch.no_grad():
            kept = parameter.clone()
            parameter.view(-1)[0] += 0.5
            assert (network(batch) - before).abs().max() > 1e-4
            parameter.copy_(kept)


def test_it_is_as_large_as_the_papers():
    """11.378 million with the biases that its authors' program has before each norm, which takes them away again."""
    kernels = 49 * 3 * 64 + 9 * (64 * 128 + 128 * 256 + 18 * 256 * 256 + 256 * 128 + 128 * 64) + 49 * 64 * 3
    biases = 64 + 128 + 256 + 18 * 256 + 128 + 64
    assert round((kernels + biases + 3) / 1e6, 3) == 11.378
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in ResNetTranslator().parameters()) == kernels + 3


def test_a_seamless_network_commutes_with_rolling():
    network, batch = made().double(), pictures(1, 3, 16, 24).double()
    assert (network(batch.roll(4, 2)) - network(batch).roll(4, 2)).abs().max() > 1e-3
    make_seamless(network)
    assert_close(network(batch.roll((4, 8), (2, 3))), network(batch).roll((4, 8), (2, 3)))


def test_contrast_and_brightness_of_what_comes_in_are_lost():
    """The first layer's norm takes them away, but for what the border of a picture, reflected, keeps of none."""
    network, batch = made().double(), pictures(1, 3, 16, 16).double()
    assert_close(network(batch / 2 + 0.2), network(batch), rtol=0, atol=1e-2)


@pytest.mark.parametrize("size", [(8, 8), (12, 20)], ids=str)
def test_maps_are_those_on_the_way(size):
    network, batch = made(4, 5), pictures(2, 3, *size)
    reference = plain(network, 4, 5)
    found = network.features(batch, ["block5", "down1", "pixels", "down2", "block1"])
    assert found["pixels"] is batch
    depths = {"down1": 6, "down2": 10, "block1": 13, "block5": 17}  # its modules up to there
    for name, depth in depths.items():
        assert_close(found[name], reference[:depth](batch), rtol=1e-4, atol=1e-5)
        assert found[name].shape[1] == network.widths[name]


@pytest.mark.parametrize(
    ("names", "last"),
    [(["pixels"], None), (["down1"], "down1"), (["down2", "pixels"], "down2"), (["block1"], "block1")],
)
def test_maps_stop_at_the_deepest_asked_for(names, last):
    network, run = made(), []
    for name, part in [*network.encoder.named_children(), ("decoder", network.decoder)]:
        part.register_forward_hook(lambda *_, name=name: run.append(name))
    assert network.features(pictures(1, 3, 8, 8), names).keys() == set(names)
    assert (run[-1] if run else None) == last


def test_maps_let_gradients_through():
    network, batch = made(), pictures(1, 3, 16, 16).requires_grad_()
    network.features(batch, ["block2"])["block2"].square().sum().backward()
    assert batch.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in network.encoder.parameters())
    assert all(parameter.grad is None for parameter in network.decoder.parameters())


@pytest.mark.parametrize("name", ["width", "blocks"])
def test_what_cannot_be_built_is_told(name):
    with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
        ResNetTranslator(**{name: 0})


def test_an_unknown_map_is_told():
    known = r"\['pixels', 'down1', 'down2', 'block1', 'block2'\]"
    with pytest.raises(ValueError, match=rf"taps must be among {known}, got \['block3'\]"):
        made().features(pictures(1, 3, 8, 8), ["block3"])
