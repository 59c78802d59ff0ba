import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from atelier.networks.fixup import ResidualBlock
from atelier.networks.padding import make_seamless
from atelier.networks.r3gan import Discriminator, Generator, WholeMap


def stirred(network):
    """With weights as after some training: no block is the identity any more."""
    torch.manual_seed(1)
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            nn.init.normal_(block.layers[-1].weight, std=0.1)
    return network


def size_of(network):
    return f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6:.2f}M"


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("size", [8, 32, 64])
def test_shapes_and_range(size, classes):
    labels = None if classes is None else torch.tensor([0, 2])
    images = Generator(size, latent_dim=16, width=4, classes=classes)(torch.randn(2, 16), labels)
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    assert Discriminator(size, width=4, classes=classes)(images, labels).shape == (2,)


@pytest.mark.parametrize(
    ("image_size", "width", "max_width", "group_size", "classes", "generator", "discriminator"),
    [
        (32, 768, 768, 16, None, "20.73M", "20.68M"),  # Stacked MNIST
        (32, 768, 768, 16, 10, "20.78M", "21.28M"),  # CIFAR-10
        (256, 96, 768, 16, None, "23.06M", "23.01M"),  # FFHQ
        (64, 384, 768, 16, None, "22.43M", "22.38M"),  # FFHQ
        (32, 1536, 1536, 32, 1000, "82.91M", "86.55M"),  # ImageNet
        (64, 1536, 1536, 32, 1000, "103.57M", "107.21M"),  # ImageNet
    ],
)
def test_as_large_as_the_papers(image_size, width, max_width, group_size, classes, generator, discriminator):
    """Huang et al. 2024, table 9: all six experiments."""
    arguments = {"max_width": max_width, "group_size": group_size, "classes": classes}
    with torch.device("meta"):
        assert size_of(Generator(image_size, 64, width, **arguments)) == generator
        assert size_of(Discriminator(image_size, width, **arguments)) == discriminator


def test_channels_and_groups_of_the_paper():
    """Huang et al. 2024, table 9, FFHQ at 256 pixels; there from the finest side to the coarsest."""
    with torch.device("meta"):
        blocks = [m for m in Discriminator(256, 96).modules() if isinstance(m, ResidualBlock)]
    assert [block.layers[0].in_channels for block in blocks[::2]] == [96, 192, 384, 768, 768, 768, 768]
    assert [block.layers[2].groups for block in blocks[::2]] == [12, 24, 48, 96, 96, 96, 96]
    assert len(blocks) == 2 * 7


def test_a_narrow_block_has_groups_that_divide_its_width():
    assert [ResidualBlock(width, 16).layers[2].groups for width in (4, 6, 12, 48)] == [1, 3, 3, 6]


def test_blocks_start_as_the_identity():
    images = torch.randn(2, 4, 8, 8)
    blocks = [module for module in Generator(16, width=4).modules() if isinstance(module, ResidualBlock)]
    for block in blocks[-2:]:
        torch.testing.assert_close(block(images), images, rtol=0, atol=0)


def test_fix_up_scales_a_blocks_first_layers():
    """He et al.'s deviation for a slope of 0.2, by L ** -0.25 with L = 3 sides x 2 blocks (section 3)."""
    torch.manual_seed(0)
    first, _, grouped, *_ = next(m for m in Generator(16, width=64).modules() if isinstance(m, ResidualBlock)).layers
    for layer, fan_in in ((first, 256), (grouped, 16 * 9)):
        expected = (2 / 1.04 / fan_in) ** 0.5 * 6**-0.25
        torch.testing.assert_close(layer.weight.std().item(), expected, rtol=0.02, atol=0)


def test_what_a_block_computes():
    """The five operations of section 3, written out."""
    block = ResidualBlock(8, 4)
    images = torch.randn(2, 8, 5, 5)
    first, _, grouped, _, last = block.layers
    wide = torch.einsum("oi,bihw->bohw", first.weight[:, :, 0, 0], images) + first.bias[:, None, None]
    wide = torch.maximum(wide, 0.2 * wide)
    groups = zip(wide.split(4, 1), grouped.weight.split(4), grouped.bias.split(4), strict=True)
    wide = torch.cat([conv2d(part, weight, bias, padding=1) for part, weight, bias in groups], 1)
    wide = torch.maximum(wide, 0.2 * wide)
    torch.testing.assert_close(block(images), images + torch.einsum("oi,bihw->bohw", last.weight[:, :, 0, 0], wide))


def test_the_discriminator_sees_each_image_alone():
    discriminator = stirred(Discriminator(32, width=4)).train()
    images = torch.randn(4, 3, 32, 32)
    assert not discriminator.mixes_images
    torch.testing.assert_close(discriminator(images)[:2], discriminator(images[:2]))


def test_a_filter_as_large_as_the_map_is_a_grouped_convolution():
    filters, maps = WholeMap(6, 4), torch.randn(3, 6, 4, 4)
    torch.testing.assert_close(filters(maps), nn.Conv2d.forward(filters, maps))
    with pytest.raises(RuntimeError, match="operand"):
        filters(torch.randn(3, 6, 5, 5))


def test_labels_tell():
    """D(x) = embed(c) · D'(x) (Huang et al. 2024, appendix D): opposite embeddings make opposite logits."""
    discriminator = Discriminator(8, width=4, classes=2)
    with torch.no_grad():
        discriminator.head.embedding.weight[1] = -discriminator.head.embedding.weight[0]
    images = torch.randn(3, 3, 8, 8)
    zeros = torch.zeros(3, dtype=torch.long)
    torch.testing.assert_close(discriminator(images, zeros), -discriminator(images, zeros + 1))
    generator = Generator(8, latent_dim=4, width=4, classes=2)
    latents = torch.randn(3, 4)
    assert (generator(latents, zeros) - generator(latents, zeros + 1)).abs().max() > 1e-3


def test_a_gradient_penalty_reaches_every_weight():
    discriminator = stirred(Discriminator(16, width=4))
    images = torch.randn(2, 3, 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    slope.square().sum().backward()
    weights = [p for name, p in discriminator.named_parameters() if name.endswith("weight")]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


def test_double_backward_is_exact():
    discriminator = stirred(Discriminator(8, width=2, max_width=4)).double()
    images = torch.randn(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(discriminator, (images,))


def test_spectral_norm_bounds_every_layer():
    """Fix-up's zero layers would be divided by a norm of zero."""
    discriminator = Discriminator(16, width=4, spectral_norm=True).train()
    images = torch.randn(2, 3, 16, 16)
    for _ in range(30):
        assert discriminator(images).isfinite().all()
    for module in discriminator.eval().modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            largest = torch.linalg.matrix_norm(module.weight.flatten(1), ord=2)
            torch.testing.assert_close(largest.item(), 1.0, rtol=0.05, atol=0)


def test_a_seamless_generator_rolls_with_its_basis():
    """By a quarter of a picture for each of the four columns; without circular padding it does not."""
    for seamless in (True, False):
        generator = stirred(Generator(32, latent_dim=8, width=4)).eval()
        if seamless:
            make_seamless(generator)
        rolled = copy.deepcopy(generator)
        with torch.no_grad():
            rolled.basis.maps.copy_(rolled.basis.maps.roll((1, 2), (1, 2)))
        latents = torch.randn(2, 8)
        same = torch.allclose(rolled(latents), generator(latents).roll((8, 16), (2, 3)), atol=1e-5)
        assert same == seamless


def test_state_goes_from_one_to_another():
    first, second = Generator(8, latent_dim=4, width=4), Generator(8, latent_dim=4, width=4)
    latents = torch.randn(2, 4)
    assert not torch.equal(first(latents), second(latents))
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first(latents), second(latents), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"width": 0}, "width must be >= 1, got 0"),
        ({"width": 32, "max_width": 16}, "max_width must be >= width = 32, got 16"),
        ({"group_size": 0}, "group_size must be >= 1, got 0"),
        ({"image_size": 48}, "image_size must be a power of two"),
    ],
)
@pytest.mark.parametrize("player", [Generator, Discriminator])
def test_bad_values_are_refused(player, arguments, text):
    with pytest.raises(ValueError, match=text):
        player(**{"image_size": 32, "width": 4} | arguments)
