import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from atelier.networks import biggan, cgan_pd, resnet
from atelier.networks.conditional_norm import ClassNorm
from atelier.networks.padding import make_seamless
from atelier.networks.residual import DownBlock, UpBlock, Upsampling

GENERATORS = {
    "sngan": resnet.Generator,
    "sagan": partial(resnet.Generator, attention=32, spectral_norm=True),
    "biggan": biggan.Generator,
}
DISCRIMINATORS = {
    "sngan": resnet.Discriminator,
    "sagan": partial(resnet.Discriminator, attention=32),
    "biggan": biggan.Discriminator,
}
each_generator = pytest.mark.parametrize("family", GENERATORS.values(), ids=GENERATORS)
each_discriminator = pytest.mark.parametrize("family", DISCRIMINATORS.values(), ids=DISCRIMINATORS)
with_and_without_classes = pytest.mark.parametrize("classes", [None, 3])


def some_labels(classes, count=4):
    return torch.arange(count) % classes if classes else None


def awake(network):
    """With attention that does something, as after some training."""
    for name, parameter in network.named_parameters():
        if name.endswith("gamma"):
            nn.init.ones_(parameter)
    return network


def widths(network):
    """Channels that leave each residual block."""
    return [block.leave.out_channels for block in network.modules() if isinstance(block, UpBlock | DownBlock)]


@pytest.mark.parametrize("size", [16, 32, 64])
@each_generator
@with_and_without_classes
def test_images(family, classes, size):
    generator = family(size, latent_dim=16, width=4, classes=classes)
    images = generator(torch.randn(4, 16), some_labels(classes))
    assert images.shape == (4, 3, size, size)
    assert images.abs().max() <= 1
    assert images.std() > 0.01


@pytest.mark.parametrize("size", [16, 32, 64])
@each_discriminator
@with_and_without_classes
def test_logits(family, classes, size):
    discriminator, images = family(size, width=4, classes=classes), torch.randn(4, 3, size, size)
    features = discriminator.features(images)
    assert features.shape == (4, widths(discriminator)[-1])
    assert discriminator.logits(features, some_labels(classes)).shape == (4,)


@each_generator
def test_in_evaluation_an_image_is_that_of_its_latents_alone(family):
    generator = awake(family(32, latent_dim=16, width=4, classes=3))
    latents, labels = torch.randn(4, 16), some_labels(3)
    generator(latents, labels)
    generator.eval()
    images = generator(latents, labels)
    torch.testing.assert_close(generator(latents[:2], labels[:2]), images[:2])
    torch.testing.assert_close(copy.deepcopy(generator)(latents, labels), images, rtol=0, atol=0)


@each_generator
def test_the_label_changes_the_image(family):
    generator = family(32, latent_dim=16, width=4, classes=3)
    for norm in generator.modules():
        if isinstance(norm, ClassNorm):  # whose classes are alike before training
            nn.init.normal_(norm.gain)
    latents = torch.randn(2, 16)
    first, second = (generator.eval()(latents, torch.full((2,), label)) for label in (0, 1))
    assert (first - second).abs().max() > 1e-3


@each_discriminator
@with_and_without_classes
def test_no_image_changes_anothers_logit(family, classes):
    discriminator = awake(family(32, width=4, classes=classes)).train()
    assert not discriminator.mixes_images
    images, labels = torch.randn(4, 3, 32, 32), some_labels(classes)
    alone = copy.deepcopy(discriminator)(images[:2], some_labels(classes, 2))
    torch.testing.assert_close(alone, discriminator(images, labels)[:2])


@each_discriminator
def test_a_gradient_penalty_reaches_every_weight_but_the_bias_of_the_logit(family):
    discriminator = awake(family(32, width=8, classes=2))
    images = torch.randn(2, 3, 32, 32, requires_grad=True)
    (slope,) = torch.autograd.grad(discriminator(images, some_labels(2, 2)).sum(), images, create_graph=True)
    slope.square().sum().backward()
    idle = {name for name, weight in discriminator.named_parameters() if weight.grad is None or not weight.grad.any()}
    assert all(name.endswith("bias") for name in idle)  # of linear parts, whose slope they do not change


@each_generator
def test_what_is_saved_is_everything(family):
    one, other = (awake(family(16, latent_dim=8, width=4)) for _ in range(2))
    one(torch.randn(4, 8))
    other.load_state_dict(one.state_dict())
    latents = torch.randn(2, 8)
    torch.testing.assert_close(other.eval()(latents), one.eval()(latents), rtol=0, atol=0)


@pytest.mark.parametrize("sort", ["sngan", "sagan", "biggan"])
def test_who_is_spectrally_normalised(sort):
    generator, discriminator = (family(16, width=4, classes=2) for family in (GENERATORS[sort], DISCRIMINATORS[sort]))
    for network, expected in ((generator, sort != "sngan"), (discriminator, True)):
        layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert {is_parametrized(layer, "weight") for layer in layers} == {expected}
    assert is_parametrized(discriminator.head.embedding, "weight")


@pytest.mark.parametrize("attention", [None, 8, 16])
def test_rolled_features_are_rolled_images_where_all_wraps(attention):
    layers = Upsampling([16, 16, 8, 4], lambda channels, _: ClassNorm(channels), attention)
    awake(layers).eval()
    make_seamless(layers)
    features = torch.randn(2, 16, 4, 4)
    images = layers(features, [None] * 3)
    rolled = layers(features.roll((1, 3), (2, 3)), [None] * 3)
    torch.testing.assert_close(rolled, images.roll((8, 24), (2, 3)))


def test_shortcuts_change_places_with_resizing():
    """Convolving after doubling and before pooling, as the papers draw it, is the same."""
    up = UpBlock(4, 6, ClassNorm(4), ClassNorm(6)).eval()
    down = DownBlock(4, 6, halve=True)
    features = torch.randn(2, 4, 8, 8)
    for block, resize in ((up, nn.Upsample(scale_factor=2)), (down, nn.AvgPool2d(2))):
        nn.init.zeros_(block.leave.weight)
        nn.init.zeros_(block.leave.bias)
        shortcut = block.shortcut(resize(features)) if block is up else resize(block.shortcut(features))
        torch.testing.assert_close(block(features), shortcut)


def test_the_first_block_sees_negative_pixels():
    images = torch.randn(2, 3, 8, 8)
    first, later = (DownBlock(3, 4, halve=False, first=first) for first in (True, False))
    later.load_state_dict(first.state_dict())
    residual = [block(images) - block.shortcut(images) for block in (first, later)]
    clipped = later(images.relu()) - later.shortcut(images.relu())
    torch.testing.assert_close(residual[1], clipped)
    assert (residual[0] - residual[1]).abs().max() > 0.01


def test_the_papers_networks_at_32_pixels():
    """Miyato et al. 2018, table 4."""
    with torch.device("meta"):
        generator = resnet.Generator(32, latent_dim=128, width=256, growth=1)
        discriminator = resnet.Discriminator(32, width=128, growth=1, coarsest=8)
    assert generator.input.out_features == 4 * 4 * 256
    assert widths(generator) == [256, 256, 256]
    assert widths(discriminator) == [128, 128, 128, 128]
    assert [block.halve for block in discriminator.modules() if isinstance(block, DownBlock)] == [
        True,
        True,
        False,
        False,
    ]


def test_the_papers_channels_for_larger_pictures():
    """Miyato et al. 2018, tables 5 (48 pixels: three and four halvings, as of 32 and 64 here) and 6 (128 pixels)."""
    with torch.device("meta"):
        assert resnet.Generator(32, width=64).input.out_features == 4 * 4 * 512
        assert widths(resnet.Generator(32, width=64)) == [256, 128, 64]
        assert widths(resnet.Discriminator(64, width=64)) == [64, 128, 256, 512, 1024]
        assert resnet.Generator(128, width=64).input.out_features == 4 * 4 * 1024
        assert widths(resnet.Generator(128, width=64)) == [1024, 512, 256, 128, 64]
        assert widths(resnet.Discriminator(128, width=64)) == [64, 128, 256, 512, 1024, 1024]


def test_sum_pooling_and_projection():
    """Miyato & Koyama 2018, eq. 3, of the summed features."""
    discriminator = resnet.Discriminator(16, width=4, classes=3, spectral_norm=False)
    images, labels = torch.randn(4, 3, 16, 16), some_labels(3)
    maps = discriminator.layers.blocks(images).relu()
    pooled = torch.einsum("bchw->bc", maps)
    vectors = discriminator.head.linear.weight + discriminator.head.embedding.weight[labels]
    expected = torch.einsum("bc,bc->b", pooled, vectors) + discriminator.head.linear.bias
    torch.testing.assert_close(discriminator(images, labels), expected)


@pytest.mark.parametrize(("attention", "size", "expected"), [(32, 128, 32), (32, 64, 32), (32, 32, 16), (8, 32, 8)])
def test_where_attention_is(attention, size, expected):
    seen = []
    generator = resnet.Generator(size, width=4, attention=attention)
    discriminator = resnet.Discriminator(size, width=4, attention=attention)
    for network in (generator, discriminator):
        for module in network.modules():
            if type(module).__name__ == "SelfAttention":
                module.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0].shape[-1]))
    discriminator(generator(torch.randn(2, 128)))
    assert seen == [expected, expected]


@pytest.mark.parametrize("family", [cgan_pd.Generator, cgan_pd.Discriminator])
def test_a_conditional_model_needs_classes(family):
    with pytest.raises(ValueError, match=r"classes must be >= 1: a conditional model needs labels, set data\.label"):
        family(32)
    assert family(32, width=4, classes=2).classes == 2


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"image_size": 8}, "image_size must be a power of two >= 16, got 8"),
        ({"image_size": 32, "growth": 0}, "growth must be >= 1, got 0"),
        ({"image_size": 32, "attention": 12}, r"attention must be null or one of .*\[4, 8, 16\], got 12"),
        ({"image_size": 32, "coarsest": 2}, "coarsest must be 4 or 8, got 2"),
        ({"image_size": 32, "classes": 0}, "classes must be >= 1 or null, got 0"),
    ],
)
def test_bad_values_are_refused(arguments, fault):
    with pytest.raises(ValueError, match=fault):
        resnet.Discriminator(**arguments)
