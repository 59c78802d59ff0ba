from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.acgan import Discriminator, Generator
from atelier.networks.padding import make_seamless

CLASSES = 3


def small_generator(size=32, **options):
    return Generator(size, latent_dim=5, width=4, classes=CLASSES, **options)


def small_discriminator(size=32, **options):
    return Discriminator(size, width=2, classes=CLASSES, **options)


def some_labels(count):
    return torch.arange(count) % CLASSES


def warmed(network, *given):
    """As after some training: in evaluation its features are of unit variance, where at the start they vanish."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the statistics of what it has seen
    network.train()(*given)
    return network.eval()


def warm_generator():
    return warmed(small_generator(), torch.randn(32, 5), some_labels(32))


def layers_of(network, kind):
    return [
        (m.in_channels, m.out_channels, *m.kernel_size, *m.stride) for m in network.modules() if isinstance(m, kind)
    ]


@pytest.mark.parametrize("size", [8, 32, 64, 128])
def test_shapes_and_range(size):
    images = small_generator(size)(torch.randn(2, 5), some_labels(2))
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    discriminator = small_discriminator(size)
    assert discriminator(images, some_labels(2)).shape == (2,)
    assert discriminator.classify(discriminator.features(images)).shape == (2, CLASSES)


def test_the_generator_of_table_2():
    """Odena et al. 2017, for 32 pixels and 10 classes: 110 inputs, linear, three 5 x 5 transposed convolutions."""
    with torch.device("meta"):
        generator = Generator(32, classes=10)
    assert (generator.input.in_features, generator.input.out_features) == (110, 384 * 4 * 4)
    assert layers_of(generator, nn.ConvTranspose2d) == [
        (384, 192, 5, 5, 2, 2),
        (192, 96, 5, 5, 2, 2),
        (96, 3, 5, 5, 2, 2),
    ]
    normalised = [module.num_features for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    assert normalised == [192, 96]


@pytest.mark.parametrize(("size", "side"), [(32, 4), (128, 16)])
def test_the_discriminator_of_tables_1_and_2(size, side):
    """Odena et al. 2017: the same six 3 x 3 convolutions for both sizes, half of the features dropped after each."""
    with torch.device("meta"):
        discriminator = Discriminator(size, classes=10)
    assert layers_of(discriminator, nn.Conv2d) == [
        (3, 16, 3, 3, 2, 2),
        (16, 32, 3, 3, 1, 1),
        (32, 64, 3, 3, 2, 2),
        (64, 128, 3, 3, 1, 1),
        (128, 256, 3, 3, 2, 2),
        (256, 512, 3, 3, 1, 1),
    ]
    normalised = [module.num_features for module in discriminator.modules() if isinstance(module, nn.BatchNorm2d)]
    assert normalised == [32, 64, 128, 256, 512]
    assert [module.p for module in discriminator.modules() if isinstance(module, nn.Dropout)] == [0.5] * 6
    heads = discriminator.head, discriminator.classifier
    assert sum(head.out_features for head in heads) == 11
    assert {head.in_features for head in heads} == {512 * side * side}


def test_logits_do_not_depend_on_labels():
    """The discriminator is to find the class, and is not told."""
    discriminator, images = warmed(small_discriminator(), torch.randn(8, 3, 32, 32)), torch.randn(3, 3, 32, 32)
    assert_close(discriminator(images, some_labels(3)), discriminator(images, None), rtol=0, atol=0)


def test_images_depend_on_labels():
    generator, latents = warm_generator(), torch.randn(4, 5)
    first, second = (generator(latents, torch.full((4,), label)) for label in range(2))
    assert (first - second).abs().amax() > 1e-3


def test_evaluation_is_deterministic_and_of_each_image_alone():
    generator, latents = warm_generator(), torch.randn(4, 5)
    images = generator(latents, some_labels(4))
    assert_close(generator(latents, some_labels(4)), images, rtol=0, atol=0)
    assert_close(generator(latents[:1], some_labels(1)), images[:1])


def test_evaluation_drops_nothing_and_judges_each_image_alone():
    discriminator, images = warmed(small_discriminator(), torch.randn(8, 3, 32, 32)), torch.randn(4, 3, 32, 32)
    logits = discriminator(images)
    assert logits.std() > 1e-3
    assert_close(discriminator(images), logits, rtol=0, atol=0)
    assert_close(discriminator(images[:1]), logits[:1])


@pytest.mark.parametrize("norm", ["batch", "instance", "layer", None])
def test_says_truly_whether_it_mixes_images(norm):
    discriminator = small_discriminator(norm=norm).train()
    images = torch.randn(3, 3, 32, 32, requires_grad=True)
    (slopes,) = torch.autograd.grad(discriminator(images)[0], images)
    assert slopes[0].abs().sum() > 0
    assert discriminator.mixes_images == bool(slopes[1:].abs().max() > 1e-9)


def test_a_penalty_on_slopes_reaches_the_weights():
    discriminator, images = small_discriminator(norm=None), torch.randn(2, 3, 32, 32, requires_grad=True)
    (slopes,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    slopes.square().sum().backward()
    assert discriminator.layers[0].weight.grad.abs().sum() > 0


def test_a_seamless_generator_commutes_with_rolling():
    generator = warm_generator()
    make_seamless(generator)
    coarse = torch.randn(2, 16, 4, 4)
    tail = generator.layers[1:]
    assert_close(tail(coarse.roll((1, 2), (2, 3))), tail(coarse).roll((8, 16), (2, 3)))
    assert tail(coarse).std() > 1e-2


def test_a_copy_and_a_reloaded_generator_draw_the_same():
    generator, latents, labels = warm_generator(), torch.randn(2, 5), some_labels(2)
    reloaded = small_generator().eval()
    reloaded.load_state_dict(generator.state_dict())
    for other in (deepcopy(generator), reloaded):
        assert_close(other(latents, labels), generator(latents, labels), rtol=0, atol=0)


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_labels_are_needed(network):
    with pytest.raises(ValueError, match="classes must be >= 1: .* set data.label"):
        network(32)
