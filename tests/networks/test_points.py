"""The fully connected players of points in the plane."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized
from torch.testing import assert_close

from atelier.networks.points import Discriminator, Generator


def test_shapes():
    points = Generator(latent_dim=3, width=8)(torch.randn(5, 3))
    assert points.shape == (5, 2, 1, 1)
    assert Discriminator(width=8)(points).shape == (5,)


@pytest.mark.parametrize("network", [Generator, Discriminator])
@pytest.mark.parametrize("depth", [1, 3])
def test_depth_is_of_hidden_layers(network, depth):
    made = network(width=8, depth=depth)
    assert sum(isinstance(module, nn.ReLU) for module in made.modules()) == depth
    assert sum(isinstance(module, nn.Linear) for module in made.modules()) == depth + 1


def test_a_generator_reaches_any_point():
    generator = Generator(width=8)
    with torch.no_grad():
        generator.layers[-1].bias.copy_(torch.tensor([-70.0, 4.0]))
    points = generator(torch.zeros(1, 2)).flatten(1)
    assert_close(points, torch.tensor([[-70.0, 4.0]]), rtol=0, atol=1.5)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_classes_matter_to_both_players(spectral_norm):
    torch.manual_seed(0)
    options = {"width": 16, "classes": 3, "spectral_norm": spectral_norm}
    generator, discriminator = Generator(**options).eval(), Discriminator(**options).eval()
    latents, labels, others = torch.randn(6, 2), torch.arange(6) % 3, (torch.arange(6) + 1) % 3
    points = generator(latents, labels)
    assert ((points - generator(latents, others)).abs().amax((1, 2, 3)) > 1e-4).all()
    assert ((discriminator(points, labels) - discriminator(points, others)).abs() > 1e-5).all()


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_spectral_norm_is_of_every_layer(network):
    made = network(width=8, spectral_norm=True)
    assert all(is_parametrized(module, "weight") for module in made.modules() if isinstance(module, nn.Linear))


def test_a_point_is_judged_alone_and_by_where_it_is():
    torch.manual_seed(0)
    discriminator, points = Discriminator(width=16), torch.randn(4, 2, 1, 1)
    logits = discriminator(points)
    assert not discriminator.mixes_images
    assert_close(discriminator(points[1:2]), logits[1:2])
    assert (discriminator(points.flip(1)) != logits).all()


def test_judgements_can_be_differentiated_twice():
    points = torch.randn(4, 2, 1, 1, requires_grad=True)
    discriminator = Discriminator(width=8)
    (slope,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    slope.square().sum().backward()
    assert discriminator.layers[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_refused(network):
    with pytest.raises(ValueError, match="depth must be >= 1, got 0"):
        network(depth=0)
