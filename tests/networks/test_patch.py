import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.dcgan import NORMS
from atelier.networks.patch import PatchDiscriminator


def made(*args, **options):
    torch.manual_seed(0)
    return PatchDiscriminator(*args, **options)


@pytest.mark.parametrize(("layers", "side"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_a_logit_sees_as_far_as_the_papers(layers, side):
    """Isola et al. 2017, section 6.1.2, has 16, 70 and 286; by where the slope of one logit is not zero."""
    discriminator = made(1, 1, layers, norm=None).double()
    for parameter in discriminator.parameters():
        nn.init.ones_(parameter)
    size = side + 4 * 2**layers
    size += -size % 2**layers
    images = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    logits = discriminator(images)
    grid = int(logits.shape[1] ** 0.5)
    logits.view(grid, grid)[grid // 2, grid // 2].backward()
    rows, columns = images.grad[0, 0].nonzero(as_tuple=True)
    seen = [int(places.max() - places.min()) + 1 for places in (rows, columns)]
    assert seen == [side, side] == [discriminator.reach] * 2


def test_it_is_the_network_of_the_paper():
    discriminator = made(norm="batch")
    convolutions = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [64, 128, 256, 512, 1]
    assert [layer.stride[0] for layer in convolutions] == [2, 2, 2, 1, 1]
    assert all(layer.kernel_size == (4, 4) for layer in convolutions)
    assert isinstance(discriminator.layers[1], nn.LeakyReLU)  # no norm of the images' own layer
    assert {part.negative_slope for part in discriminator.layers if isinstance(part, nn.LeakyReLU)} == {0.2}
    assert (discriminator.inputs, made(6).inputs, made(6).layers[0].in_channels) == (3, 6, 6)
    assert [layer.out_channels for layer in made(3, 64, 5).layers if isinstance(layer, nn.Conv2d)] == [
        64, 128, 256, 512, 512, 512,
    ]  # fmt: skip


@pytest.mark.parametrize(("inputs", "norm", "millions"), [(6, "batch", 2.769), (3, "instance", 2.766)])
def test_it_is_as_large_as_the_papers(inputs, norm, millions):
    """As its authors' program prints for pairs, 2.769; 2.765 for pictures with their instance norm, which learns no
    gains, where here it does and the biases are its own."""
    kernels = 16 * (inputs * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert sum(p.numel() for p in made(inputs, norm=norm).parameters()) == kernels + 64 + 1 + 2 * (128 + 256 + 512)
    assert round((kernels + 64 + 1 + 2 * (128 + 256 + 512)) / 1e6, 3) == millions


@pytest.mark.parametrize(
    ("size", "layers", "grid"), [((32, 32), 3, (2, 2)), ((48, 24), 3, (4, 1)), ((16, 12), 1, (6, 4))]
)
def test_a_logit_for_each_place(size, layers, grid):
    discriminator, images = made(3, 4, layers), torch.randn(2, 3, *size)
    logits = discriminator(images)
    assert logits.shape == (2, grid[0] * grid[1])
    assert_close(logits, discriminator.logits(discriminator.features(images)))
    assert_close(logits, discriminator(images, torch.tensor([0, 1])))


@pytest.mark.parametrize("norm", [*NORMS])
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_a_penalty_on_slopes_reaches_the_weights(norm, spectral_norm):
    discriminator = made(3, 4, 2, norm, spectral_norm)
    images = torch.randn(2, 3, 16, 16, requires_grad=True)
    (slopes,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    slopes.square().sum().backward()
    kernels = [weight for weight in discriminator.parameters() if weight.ndim == 4]
    assert len(kernels) == 4
    assert all(weight.grad.abs().sum() > 0 for weight in kernels)


@pytest.mark.parametrize("norm", [None, "instance"])
def test_slopes_of_slopes_are_true(norm):
    discriminator = made(1, 1, 1, norm).double()
    for parameter in discriminator.parameters():
        nn.init.normal_(parameter, 0, 0.5)
    assert torch.autograd.gradgradcheck(discriminator, torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True))


def test_spectral_norm_is_of_every_convolution():
    discriminator = made(3, 4, spectral_norm=True)
    convolutions = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 5
    assert all(hasattr(module, "parametrizations") for module in convolutions)


@pytest.mark.parametrize("norm", [*NORMS])
def test_says_truly_whether_it_mixes_images(norm):
    discriminator, images = made(3, 4, 2, norm).train(), torch.randn(4, 3, 16, 16)
    alone, together = discriminator(images[:2]), discriminator(images)[:2]
    assert discriminator.mixes_images == (not torch.allclose(alone, together, atol=1e-5))


def test_the_least_size_is_judged_once_and_a_smaller_one_refused():
    for layers in (1, 2, 3):
        discriminator, least = made(3, 2, layers), 3 * 2**layers
        assert discriminator(torch.randn(2, 3, least, least)).shape == (2, 1)
        with pytest.raises(ValueError, match=f"of {least} pixels or more a side where there are {layers} layers, got"):
            discriminator(torch.randn(2, 3, least, least - 1))


@pytest.mark.parametrize("name", ["inputs", "width", "layers"])
def test_what_cannot_be_built_is_told(name):
    with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
        PatchDiscriminator(**{name: 0})
    with pytest.raises(ValueError, match="norm must be one of .* got 'bach'"):
        PatchDiscriminator(norm="bach")


def test_built_on_the_meta_device():
    with torch.device("meta"):
        assert PatchDiscriminator(spectral_norm=True)(torch.empty(2, 3, 32, 32)).is_meta
