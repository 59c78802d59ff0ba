import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate
from torch.testing import assert_close

from atelier.networks.nafnet import Block, LayerNorm, NafNet


def pictures(*size):
    return 2 * torch.rand(*size, generator=torch.Generator().manual_seed(1)) - 1


def made(width=4, encoder=(1, 2), middle=1, decoder=(0, 1), **options):
    torch.manual_seed(0)
    return NafNet(width, encoder, middle, decoder, **options)


def trained(network):
    """As if: no parameter is where it started."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.2)
    return network


@pytest.mark.parametrize("masked", [False, True])
def test_untrained_it_gives_back_what_it_is_given(masked):
    network = made(masked=masked)
    batch = pictures(2, network.inputs, 8, 12)
    assert_close(network(batch), batch[:, :3], rtol=0, atol=0)
    assert_close(network.eval()(batch), batch[:, :3], rtol=0, atol=0)
    assert (trained(network)(batch) - batch[:, :3]).abs().max() > 1e-2


@pytest.mark.parametrize("scale", [2, 4])
def test_untrained_it_enlarges_bicubically(scale):
    network, batch = made(scale=scale), pictures(2, 3, 8, 12)
    enlarged = interpolate(batch, scale_factor=scale, mode="bicubic", antialias=True)
    assert_close(network(batch), enlarged, rtol=0, atol=0)
    assert_close(network.eval()(batch), enlarged.clamp(-1, 1), rtol=0, atol=0)
    drawn = trained(network)(batch)
    assert drawn.shape == (2, 3, 8 * scale, 12 * scale)
    assert (drawn - enlarged).abs().max() > 1e-2


@pytest.mark.parametrize("scale", [1, 2])
def test_what_is_learnt_first_is_the_last_layer(scale):
    """From zero on it learns at once, and after it all the rest."""
    network, batch, learning = made(scale=scale), pictures(2, 3, 8, 8), []
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (network(batch) - 0.5).square().mean().backward()
        optimizer.step()
        learning.append({name for name, parameter in network.named_parameters() if parameter.grad.any()})
    names = {name for name, _ in network.named_parameters()}
    assert learning[0] == {"leave.weight", "leave.bias"}
    assert learning[2] == names


def test_colours_beyond_are_cut_off_in_evaluation_alone():
    network, batch = trained(made()), 5 * pictures(1, 3, 8, 8)
    batch.requires_grad_()
    drawn = network(batch)
    assert drawn.abs().max() > 1
    assert_close(network.eval()(batch), drawn.clamp(-1, 1))


def test_an_untrained_block_does_nothing():
    features = torch.randn(2, 3, 5, 4)
    assert_close(Block(3)(features), features, rtol=0, atol=0)


def test_a_block_is_that_of_the_paper():
    """Chen et al. 2022, figure 3c and equations 4 and 6, step by step."""
    torch.manual_seed(0)
    block, given = trained(Block(3)), torch.randn(2, 3, 5, 4)
    _, wide, each, _, attention, out = block.spatial
    first, second = each(wide(plain_norm(block.spatial[0], given))).chunk(2, 1)
    gated = first * second
    gated = gated * attention.mix(nn.AdaptiveAvgPool2d(1)(gated))
    middle = given + block.beta * out(gated)
    _, wide, _, out = block.channelwise
    first, second = wide(plain_norm(block.channelwise[0], middle)).chunk(2, 1)
    assert_close(block(given), middle + block.gamma * out(first * second), rtol=1e-4, atol=1e-5)


def plain_norm(norm, features):
    mean, variance = features.mean(1, keepdim=True), features.var(1, correction=0, keepdim=True)
    gain, bias = norm.weight[:, None, None], norm.bias[:, None, None]
    return (features - mean) / (variance + 1e-6).sqrt() * gain + bias


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["NCHW", "NHWC"])
def test_pixels_are_normalised_on_their_own(layout):
    norm, features = trained(LayerNorm(5)), torch.randn(2, 5, 3, 4).to(memory_format=layout)
    assert_close(norm(features), plain_norm(norm, features))


def test_it_is_as_large_as_the_papers():
    """17.1 million, as is reported of the one of width 32 for GoPro, with 1, 1, 1, 28; 1; 1, 1, 1, 1 blocks."""

    def block(c):
        spatial = 2 * c + (c + 1) * 2 * c + 10 * 2 * c + (c + 1) * c + (c + 1) * c
        return spatial + 2 * c + (c + 1) * 2 * c + (c + 1) * c + 2 * c

    finer = (32, 64, 128, 256)
    blocks = sum(block(c) for c in finer) * 2 + 27 * block(256) + block(512)
    between = sum((4 * c + 1) * 2 * c + 2 * c * 4 * c for c in finer)
    ends = (3 * 9 + 1) * 32 + (32 * 9 + 1) * 3
    with torch.device("meta"):
        network = NafNet(32, (1, 1, 1, 28), 1, (1, 1, 1, 1))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == blocks + between + ends
    assert round(count / 1e6, 2) == 17.11


def test_as_many_halvings_as_it_has_parts():
    assert made().multiple == 4
    assert NafNet(2, (1,), 0, (0,)).multiple == 2
    plain = trained(NafNet(2, (), 1, ()))
    assert plain(pictures(1, 3, 5, 7)).shape == (1, 3, 5, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 3}, r"scale must be one of \[1, 2, 4\], got 3"),
        ({"width": 0}, "width must be >= 1, got 0"),
        ({"decoder": (1,)}, r"decoder_blocks must be as many as encoder_blocks \[1, 2\], got \[1\]"),
        ({"middle": -1}, "middle_blocks must be >= 0, got -1"),
        ({"decoder": (1, -2)}, "decoder_blocks must be >= 0, got 1, -2"),
        ({"scale": 2, "masked": True}, "masked must be false"),
    ],
)
def test_what_cannot_be_built_is_told(options, message):
    with pytest.raises(ValueError, match=message):
        made(**options)
