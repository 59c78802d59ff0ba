import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.dcgan import NORMS, Discriminator, Generator
from atelier.networks.padding import make_seamless
from atelier.networks.sizes import doublings

SIZES = [32, 64, 128]


@pytest.mark.parametrize("size", SIZES)
def test_shapes_and_range(size):
    images = Generator(size, latent_dim=16, width=4)(torch.randn(2, 16))
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    assert Discriminator(size, width=4)(images).shape == (2,)


def test_the_papers_generator_at_64_pixels():
    """Radford et al. 2016, figure 1: 100 latents to 1024 x 4 x 4, then 512, 256, 128 and 3 channels."""
    generator = Generator(64, latent_dim=100, width=128)
    weights = [module.weight.shape for module in generator.layers if hasattr(module, "kernel_size")]
    assert [tuple(shape[:2]) for shape in weights] == [
        (100, 1024),
        (1024, 512),
        (512, 256),
        (256, 128),
        (128, 3),
    ]


def test_the_mirrored_discriminator_at_64_pixels():
    """Radford et al. 2016, section 3: strided convolutions; no norm on the images, nor of the logit."""
    discriminator = Discriminator(64, width=128)
    convolutions = [module for module in discriminator.layers if isinstance(module, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [128, 256, 512, 1024]
    assert [layer.bias is not None for layer in convolutions] == [True, False, False, False]
    assert discriminator.head.linear.in_features == 1024 * 4 * 4


def warmed(generator, *given):
    """As after some training: in evaluation its features are of unit variance, where at the start they vanish."""
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the statistics of what it has seen
    generator.train()(*given)
    return generator.eval()


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_classes_matter_to_both_players(spectral_norm):
    """The same latents and the same images, of other labels."""
    options = {"classes": 3, "spectral_norm": spectral_norm}
    labels = torch.tensor([0, 1, 2, 0])
    generator = warmed(Generator(32, 16, 4, **options), torch.randn(32, 16), torch.arange(32) % 3)
    discriminator, latents = Discriminator(32, 4, **options).eval(), torch.randn(4, 16)
    images = generator(latents, labels)
    assert ((images - generator(latents, (labels + 1) % 3)).abs().amax((1, 2, 3)) > 1e-3).all()
    assert ((discriminator(images, labels) - discriminator(images, (labels + 1) % 3)).abs() > 1e-6).all()
    assert_close(generator(latents[:1], labels[:1]), images[:1])


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_spectral_norm_is_of_every_layer_with_a_matrix(network):
    """Of the embedding of labels, too; not of batch norm's scales."""
    made = network(32, width=4, classes=3, spectral_norm=True)
    with_matrix = [
        m for m in made.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding)
    ]
    assert with_matrix
    assert all(hasattr(module, "parametrizations") for module in with_matrix)
    assert not any(
        hasattr(module, "parametrizations") for module in made.modules() if isinstance(module, nn.BatchNorm2d)
    )


@pytest.mark.parametrize("norm", ["instance", "layer", None])
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_a_penalty_on_slopes_reaches_the_weights(norm, spectral_norm):
    discriminator = Discriminator(32, width=4, norm=norm, spectral_norm=spectral_norm)
    images = torch.randn(2, 3, 32, 32, requires_grad=True)
    (slopes,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    slopes.square().sum().backward()
    gradients = [weight.grad for weight in discriminator.layers[0].parameters() if weight.ndim == 4]
    assert len(gradients) == 1
    assert gradients[0].abs().sum() > 0


def test_a_seamless_generator_commutes_with_rolling():
    generator = warmed(Generator(32, 16, 4), torch.randn(32, 16))
    make_seamless(generator)
    coarse, tail = torch.randn(2, 16, 4, 4), generator.layers[1:]
    assert tail(coarse).std() > 1e-2
    assert_close(tail(coarse.roll((1, 2), (2, 3))), tail(coarse).roll((8, 16), (2, 3)))


@pytest.mark.parametrize("norm", [*NORMS])
def test_says_truly_whether_it_mixes_images(norm):
    discriminator = Discriminator(32, width=4, norm=norm).train()
    images = torch.randn(4, 3, 32, 32)
    alone = discriminator(images[:2])
    together = discriminator(images)[:2]
    assert discriminator.mixes_images == (not torch.allclose(alone, together, atol=1e-5))


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="norm must be one of .*'batch'.* got 'bach'"):
        Discriminator(32, norm="bach")


@pytest.mark.parametrize(
    ("size", "nearest"), [(48, "32 or 64"), (100, "64 or 128"), (4, "8"), (0, "8"), (33, "32 or 64")]
)
def test_other_sizes_are_refused_with_the_nearest(size, nearest):
    with pytest.raises(ValueError, match=rf"image_size must be a power of two .* got {size} \(nearest: {nearest}\)"):
        doublings(size)


def test_doublings():
    assert [4 * 2 ** doublings(size) for size in (8, *SIZES, 512)] == [8, *SIZES, 512]
