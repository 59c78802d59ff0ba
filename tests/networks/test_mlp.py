from copy import deepcopy

import pytest
import torch
from torch.testing import assert_close

from atelier.networks.mlp import PIECES, Discriminator, Generator, Maxout

CLASSES = [None, 3]


def labels_of(classes, count):
    return torch.arange(count) % classes if classes else None


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("size", [8, 32])
def test_shapes_and_range(size, classes):
    labels = labels_of(classes, 2)
    images = Generator(size, latent_dim=5, width=8, classes=classes)(100 * torch.randn(2, 5), labels)
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    assert Discriminator(size, width=4, classes=classes)(images, labels).shape == (2,)


def test_the_sizes_of_the_authors_code_for_mnist():
    """mnist.yaml of github.com/goodfeli/adversarial: 100-1200-1200, and 240 maxout units of five pieces, twice."""
    generator = [tuple(weight.shape) for weight in Generator(32).parameters() if weight.ndim == 2]
    discriminator = [tuple(weight.shape) for weight in Discriminator(32).parameters() if weight.ndim == 2]
    assert generator == [(1200, 100), (1200, 1200), (3 * 32 * 32, 1200)]
    assert discriminator == [(240 * 5, 3 * 32 * 32), (240 * 5, 240), (1, 240)]


def test_dropout_is_that_of_the_authors_code():
    """A fifth of the pixels and half of either hidden layer."""
    rates = [module.p for module in Discriminator(8, width=4).modules() if isinstance(module, torch.nn.Dropout)]
    assert rates == [0.2, 0.5, 0.5]


def test_a_maxout_unit_is_the_greatest_of_its_own_functions():
    maxout, features = Maxout(3, 4), torch.randn(5, 3)
    weight, bias = maxout.linear.weight, maxout.linear.bias
    for unit in range(4):
        own = slice(unit * PIECES, (unit + 1) * PIECES)
        expected = torch.stack([features @ w + b for w, b in zip(weight[own], bias[own], strict=True)]).max(0).values
        assert_close(maxout(features)[:, unit], expected)


def test_maxout_is_convex():
    maxout, (one, other) = Maxout(6, 4), torch.randn(2, 7, 6)
    assert (maxout((one + other) / 2) <= (maxout(one) + maxout(other)) / 2 + 1e-6).all()


@pytest.mark.parametrize("classes", CLASSES)
def test_evaluation_is_deterministic_and_of_each_image_alone(classes):
    labels = labels_of(classes, 4)
    generator = Generator(8, latent_dim=5, width=8, classes=classes).eval()
    discriminator = Discriminator(8, width=4, classes=classes).eval()
    latents = torch.randn(4, 5)
    images = generator(latents, labels)
    assert_close(generator(latents, labels), images, rtol=0, atol=0)
    assert_close(generator(latents[:1], labels_of(classes, 1)), images[:1])
    assert_close(discriminator(images[:1], labels_of(classes, 1)), discriminator(images, labels)[:1])


def test_says_truly_that_images_do_not_mix():
    discriminator, images = Discriminator(8, width=32).train(), torch.randn(3, 3, 8, 8, requires_grad=True)
    (slopes,) = torch.autograd.grad(discriminator(images)[0], images)
    assert not discriminator.mixes_images
    assert slopes[0].abs().sum() > 0
    assert slopes[1:].abs().sum() == 0


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_classes_matter(network):
    made = network(8, width=8, classes=2).eval()
    given = torch.randn(4, 100) if network is Generator else torch.randn(4, 3, 8, 8)
    first, second = (made(given, torch.full((4,), label)) for label in range(2))
    assert (first - second).abs().amax() > 1e-3


def test_a_penalty_on_slopes_reaches_the_weights():
    discriminator, images = Discriminator(8, width=32), torch.randn(2, 3, 8, 8, requires_grad=True)
    (slopes,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    slopes.square().sum().backward()
    assert discriminator.layers[2].linear.weight.grad.abs().sum() > 0


def test_a_copy_and_a_reloaded_generator_draw_the_same():
    generator, latents = Generator(8, latent_dim=5, width=8).eval(), torch.randn(2, 5)
    reloaded = Generator(8, latent_dim=5, width=8).eval()
    reloaded.load_state_dict(generator.state_dict())
    for other in (deepcopy(generator), reloaded):
        assert_close(other(latents), generator(latents), rtol=0, atol=0)


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_other_sizes_are_refused(network):
    with pytest.raises(ValueError, match="image_size must be a power of two >= 8, got 20"):
        network(20, width=4)
