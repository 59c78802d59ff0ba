"""Pictures through a feed-forward network, in tiles as in one piece, and mixtures of what it has learnt."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.networks.feed_forward import FeedForward
from atelier.networks.reflection import ENLARGING
from atelier.stylize.feed_forward import REACH, STRIDE, FeedForwardStyles
from atelier.stylize.memory import LEAST
from atelier.stylize.method import Mixture

AMPLE = 1 << 40


def made(styles=3, blocks=1, width=4, upsampling="nearest"):
    torch.manual_seed(0)
    network = FeedForward(width, blocks, styles, upsampling)
    for name, parameter in network.named_parameters():
        if name.endswith(("norm.gain", "norm.bias")):
            nn.init.normal_(parameter, mean=float(name.endswith("gain")), std=0.3)
    return FeedForwardStyles("three", network.requires_grad_(False).to(memory_format=torch.channels_last), AMPLE)


def picture(height, width):
    """Noise, brighter to the right: a tile's moments are not the whole's."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return noise - 0.5 + torch.linspace(-0.5, 0.5, width)


def halves(height, width):
    left = torch.zeros(1, 1, height, width)
    left[..., : width // 2] = 1
    return torch.cat([left, 1 - left])


def tight(method, height, width):
    """As much memory as the smallest tiles take."""
    cost, pixels = method._cost, (height + STRIDE - 1) * (width + STRIDE - 1)
    reach = REACH[method.network.upsampling]
    return int(cost.whole * pixels + cost.window * (LEAST + 2 * reach) ** 2) + 1


@pytest.mark.parametrize("size", [(130, 201), (97, 262)])
@pytest.mark.parametrize(("styles", "blocks"), [(1, 2), (3, 0)])
@pytest.mark.parametrize("upsampling", [*ENLARGING])
def test_a_picture_in_tiles_is_the_picture_in_one_piece(size, styles, blocks, upsampling):
    """Up to the rounding of moments that are gathered in another order."""
    method, content = made(styles, blocks, upsampling=upsampling), picture(*size)
    mixture = Mixture([0], [1.0])
    whole = method.stylize(content, mixture)
    assert whole.shape == content.shape
    method.memory = tight(method, *size)
    assert method.needs(*size) > method.memory
    assert_close(method.stylize(content, mixture), whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("divided", [False, True])
def test_mixtures_and_regions_are_the_same_in_tiles(divided):
    method, size = made(), (130, 201)
    content = picture(*size)
    mixture = Mixture([0, 2], [1.0, 3.0], 0.6, halves(*size) if divided else None)
    whole = method.stylize(content, mixture)
    method.memory = tight(method, *size)
    assert_close(method.stylize(content, mixture), whole, rtol=0, atol=1e-4)


def test_tiles_are_not_seen():
    """Neighbours differ as much across the tiles' borders as they do in one piece."""
    method, size = made(), (80, 400)
    content = picture(*size)
    whole = method.stylize(content, Mixture([0], [1.0]))
    method.memory = tight(method, *size)
    tiled = method.stylize(content, Mixture([0], [1.0]))
    steps, expected = (images.diff(dim=3).abs().mean((0, 1, 2)) for images in (tiled, whole))
    assert_close(steps, expected, rtol=0, atol=1e-4)


def test_the_picture_is_the_networks():
    method, content = made(), picture(33, 46)
    assert_close(method.stylize(content, Mixture([1], [1.0])), method.network(content, torch.tensor([1])))


def test_a_mixture_is_the_networks_own_by_shares():
    method, content = made(), picture(32, 48)
    expected = method.network(content, torch.tensor([[0.25, 0.0, 0.75]]))
    assert_close(method.stylize(content, Mixture([0, 2], [2.0, 6.0])), expected)


def test_a_style_mixed_with_itself_is_that_style():
    method, content = made(), picture(32, 48)
    assert_close(method.stylize(content, Mixture([1, 1], [1.0, 4.0])), method.stylize(content, Mixture([1], [1.0])))


def test_regions_show_the_styles_of_their_own():
    method, content = made(), picture(32, 48)
    both = method.stylize(content, Mixture([0, 2], [1.0, 1.0], regions=halves(32, 48)))
    first, second = (method.stylize(content, Mixture([style], [1.0])) for style in (0, 2))
    assert_close(both, torch.cat([first[..., :24], second[..., 24:]], 3))
    assert (first - second).abs().mean() > 0.01


@pytest.mark.parametrize("divided", [False, True])
def test_strength_leads_from_the_content_itself_to_the_style(divided):
    method, content = made(), picture(30, 45)
    regions = halves(30, 45) if divided else None
    none, some, all_of_it = (
        method.stylize(content, Mixture([0, 1], [1.0, 1.0], strength, regions)) for strength in (0.0, 0.3, 1.0)
    )
    assert_close(none, content, rtol=0, atol=0)
    assert_close(some, torch.lerp(content, all_of_it, 0.3))


def test_too_little_memory_says_how_much_would_do():
    method, size = made(), (300, 400)
    method.memory = 1 << 20
    with pytest.raises(UserError, match="--max-memory: 400 x 300 pixels need ([0-9]+) MiB at least") as caught:
        method.stylize(picture(*size), Mixture([0], [1.0]))
    method.memory = int(str(caught.value).split("need ")[1].split(" ")[0]) << 20
    assert method.stylize(picture(*size), Mixture([0], [1.0])).shape == (1, 3, *size)
