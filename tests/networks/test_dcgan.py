import pytest
import torch

from atelier.networks.dcgan import NORMS, Discriminator, Generator
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
