from copy import deepcopy

import pytest
import torch
from torch.nn.functional import conv2d

from atelier.networks.minibatch import MinibatchDeviation
from atelier.networks.modulation import Layer, ModulatedConv2d, Noise, ToImage
from atelier.networks.padding import make_seamless
from atelier.networks.sizes import channels
from atelier.networks.stylegan2 import MEAN_DECAY, Discriminator, Generator

LABELS = torch.tensor([0, 1, 2, 0])


def tiny(**options):
    torch.manual_seed(0)
    return Generator(**{"image_size": 32, "latent_dim": 16, "width": 4, "mapping_layers": 2, **options})


def noisy(generator):
    """With noise that can be seen; at first its strength is 0."""
    for module in generator.modules():
        if isinstance(module, Noise):
            torch.nn.init.constant_(module.strength, 0.5)
    return generator


def parameters(network):
    return sum(weights.numel() for weights in network.parameters())


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("size", [8, 32, 64])
def test_shapes_and_range(size, classes):
    labels = LABELS if classes else None
    images = tiny(image_size=size, classes=classes)(torch.randn(4, 16), labels)
    assert images.shape == (4, 3, size, size)
    assert images.abs().max() <= 1
    assert Discriminator(size, width=4, classes=classes)(images, labels).shape == (4,)


def test_the_papers_networks_at_1024_pixels():
    """As many parameters as the authors' code counts in configuration F (its table of layers, "Total")."""
    with torch.device("meta"):
        generator, discriminator = Generator(1024), Discriminator(1024)
    assert channels(1024, 32, 512) == [512, 512, 512, 512, 512, 256, 128, 64, 32]
    assert generator.style_layers == 18
    assert parameters(generator) == 30_370_060
    assert parameters(discriminator) == 29_012_513


def test_layers_have_as_many_parameters_as_the_authors():
    """Rows of the same table: convolution, bias and noise strength of a layer, and what makes its scales."""
    with torch.device("meta"):
        assert parameters(Layer(512, 512, 512, 64, upsample=True)) == 2_622_465
        assert parameters(Layer(512, 256, 512, 128, upsample=True)) == 1_442_561
        assert parameters(Layer(256, 256, 512, 128)) == 721_409
        assert parameters(ToImage(512, 512)) == 264_195


@pytest.mark.parametrize("upsample", [False, True])
def test_modulated_convolution_is_that_of_each_images_own_weights(upsample):
    """Karras et al. 2020, eq. 1 and 3, image by image."""
    layer, features, styles = ModulatedConv2d(5, 6, 7, upsample), torch.randn(3, 5, 8, 8), torch.randn(3, 7)
    images = []
    for feature, scale in zip(features, layer.scale(styles), strict=True):
        weight = layer.weight * layer.gain * scale[None, :, None, None]
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        images.append(layer.convolve(feature[None], weight))
    torch.testing.assert_close(layer(features, styles), torch.cat(images), rtol=1e-4, atol=1e-5)


def test_colours_are_modulated_but_not_demodulated():
    layer, features, styles = ToImage(5, 7), torch.randn(3, 5, 8, 8), torch.randn(3, 7)
    weight, scale = layer.convolution.weight * layer.convolution.gain, layer.scale(styles)
    pairs = zip(features, scale, strict=True)
    images = [conv2d(feature[None], weight * each[None, :, None, None]) for feature, each in pairs]
    torch.testing.assert_close(layer(features, styles), torch.cat(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_features_have_unit_variance_however_strong_the_style(strength):
    layer = ModulatedConv2d(32, 64, 8)
    torch.nn.init.constant_(layer.scale.bias, strength)
    inside = layer(torch.randn(4, 32, 16, 16), torch.zeros(4, 8))[:, :, 1:-1, 1:-1]
    assert inside.std().item() == pytest.approx(1, rel=0.05)


def test_evaluation_is_deterministic_and_of_each_image_alone():
    generator, latents = noisy(tiny(classes=3)).eval(), torch.randn(4, 16)
    images = generator(latents, LABELS)
    torch.testing.assert_close(generator(latents, LABELS), images, rtol=0, atol=0)
    torch.testing.assert_close(generator(latents[1:2], LABELS[1:2]), images[1:2], rtol=1e-4, atol=1e-5)
    styles = generator.styles(latents, LABELS)
    assert styles.shape == (4, generator.style_layers, 16)
    torch.testing.assert_close(generator.synthesize(styles, LABELS), images, rtol=0, atol=0)


def test_noise_is_fresh_in_training_and_in_each_image():
    noise, features = noisy(Noise(8)), torch.zeros(2, 3, 8, 8)
    first, second = noise(features), noise(features)
    assert not torch.allclose(first, second)
    assert not torch.allclose(first[0], first[1])
    torch.testing.assert_close(first[:, 0], first[:, 1])  # all channels alike
    assert noise(torch.zeros(512, 1, 8, 8)).std().item() == pytest.approx(0.5, rel=0.05)


def test_every_style_layer_matters():
    generator = noisy(tiny()).eval()
    styles = generator.styles(torch.randn(1, 16))
    whole = generator.synthesize(styles)
    for layer in range(generator.style_layers):
        changed = styles.clone()
        changed[:, layer] = torch.randn(16)
        assert (generator.synthesize(changed) - whole).abs().max() > 1e-3


def test_labels_matter():
    generator, latents = tiny(classes=3).eval(), torch.randn(1, 16).expand(2, -1)
    first, second = generator(latents, torch.tensor([0, 1]))
    assert (first - second).abs().max() > 1e-3
    discriminator, image = Discriminator(32, width=4, classes=3), torch.randn(1, 3, 32, 32).expand(2, -1, -1, -1)
    assert discriminator(image, torch.tensor([0, 1])).diff().abs() > 1e-3


@pytest.mark.parametrize("truncation", [0.0, 0.5, 1.0, -1.0])
def test_truncation_scales_the_way_from_the_mean_style(truncation):
    generator, latents = tiny(), torch.randn(4, 16)
    generator.mean_style.normal_()
    mean, whole = generator.mean_style, generator.styles(latents)
    torch.testing.assert_close(generator.styles(latents, truncation=truncation) - mean, truncation * (whole - mean))


@pytest.mark.parametrize("truncation", [float("nan"), float("inf"), -float("inf")])
def test_truncation_is_a_finite_number(truncation):
    with pytest.raises(ValueError, match=f"truncation must be finite, got {truncation}"):
        tiny().styles(torch.randn(4, 16), truncation=truncation)


def test_the_mean_style_follows_training_only():
    generator, latents = tiny(), torch.randn(3, 4, 16)
    expected = torch.zeros(16)
    for batch in latents:
        expected = MEAN_DECAY * expected + (1 - MEAN_DECAY) * generator.styles(batch)[:, 0].mean(0)
        generator(batch)
    torch.testing.assert_close(generator.mean_style, expected.detach())
    generator.eval()(latents[0])
    torch.testing.assert_close(generator.mean_style, expected.detach())


@pytest.mark.parametrize("mixing", [0.0, 0.9, 1.0])
def test_so_many_images_mix_two_styles(mixing):
    generator = tiny(mixing=mixing)
    count, layers = 4000, generator.style_layers
    mixed = generator.mix(torch.zeros(count, layers, 16), torch.ones(count, layers, 16))[:, :, 0]
    assert (mixed.diff(dim=1) >= 0).all()  # one style up to a layer, the other from there on
    assert (mixed[:, 0] == 0).all()
    share = mixed[:, -1].mean().item()
    assert share == pytest.approx(mixing, abs=0.02)  # 4 deviations
    if mixing:
        each = (mixed.diff(dim=1) == 1).float().mean(0)
        torch.testing.assert_close(each, torch.full_like(each, mixing / (layers - 1)), rtol=0, atol=0.025)


def test_a_seamless_generator_rolls_with_its_constant():
    generator = tiny().eval()
    styles = generator.styles(torch.randn(2, 16))
    rolled = deepcopy(generator)
    rolled.constant.data = generator.constant.data.roll((1, -1), (2, 3))

    def difference():
        return (rolled.synthesize(styles) - generator.synthesize(styles).roll((8, -8), (2, 3))).abs().max()

    assert difference() > 1e-2
    make_seamless(generator)
    make_seamless(rolled)
    assert difference() < 1e-5


def test_checkpoints_hold_the_noise_and_the_mean():
    generator, other, latents = noisy(tiny()), tiny(), torch.randn(2, 16)
    generator(latents)
    for module in other.modules():
        if isinstance(module, Noise):
            module.fixed.normal_()
    other.load_state_dict(generator.state_dict())
    torch.testing.assert_close(other.mean_style, generator.mean_style)
    torch.testing.assert_close(other.eval()(latents), generator.eval()(latents), rtol=0, atol=0)


def test_minibatch_deviation():
    """One group of four: the deviation over it at every feature, averaged."""
    features = torch.randn(4, 3, 2, 2)
    extended = MinibatchDeviation(4)(features)
    torch.testing.assert_close(extended[:, :3], features)
    expected = features.std(0, correction=0).mean()
    torch.testing.assert_close(extended[:, 3], expected.expand(4, 2, 2))


@pytest.mark.parametrize(("batch", "size"), [(1, 1), (2, 2), (3, 3), (5, 1), (6, 3), (8, 4)])
def test_groups_divide_every_batch(batch, size):
    features = torch.randn(batch, 3, 2, 2)
    planes = MinibatchDeviation(4)(features)[:, 3, 0, 0]
    groups = [features[start :: batch // size] for start in range(batch // size)]
    expected = torch.stack([group.std(0, correction=0).mean() for group in groups]).repeat(size)
    torch.testing.assert_close(planes, expected, rtol=1e-4, atol=2e-4)  # 1e-4 instead of no deviation at all


@pytest.mark.parametrize("group_size", [1, 4])
def test_says_truly_whether_it_mixes_images(group_size):
    torch.manual_seed(0)
    discriminator, images = Discriminator(32, width=4, group_size=group_size), torch.randn(4, 3, 32, 32)
    mixes = not torch.allclose(discriminator(images)[:2], discriminator(images[:2]), atol=1e-5)
    assert discriminator.mixes_images == mixes == (group_size > 1)


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_a_gradient_penalty_reaches_every_weight(spectral_norm, classes):
    torch.manual_seed(0)
    discriminator = Discriminator(8, width=4, classes=classes, spectral_norm=spectral_norm)
    images = torch.randn(4, 3, 8, 8, requires_grad=True)
    logits = discriminator(images, LABELS if classes else None)
    torch.autograd.grad(logits.sum(), images, create_graph=True)[0].square().sum().backward()
    weights = [weights for name, weights in discriminator.named_parameters() if "weight" in name]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


@pytest.mark.parametrize("group_size", [1, 4])
def test_a_gradient_penalty_falls_along_its_own_gradient(group_size):
    """As fast as that says; on a tiny step, since slopes jump where a leaky ReLU turns."""
    torch.manual_seed(0)
    discriminator = Discriminator(16, width=4, group_size=group_size).double()
    images = torch.rand(4, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    weights = [*discriminator.parameters()]

    def penalty():
        slopes = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)[0]
        return (slopes.flatten(1).norm(dim=1) - 1).square().mean()

    before = penalty()
    gradients = torch.autograd.grad(before, weights, materialize_grads=True)
    fall = 1e-6 * before.item()
    step = fall / sum(gradient.square().sum() for gradient in gradients)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.data -= step * gradient
    assert (before - penalty()).item() / fall == pytest.approx(1, rel=1e-2)


def test_spectral_norm_lets_something_through():
    generator = tiny(spectral_norm=True, classes=3)
    images = generator(torch.randn(4, 16), LABELS)
    assert images.std() > 0.1
    logits = Discriminator(32, width=4, classes=3, spectral_norm=True)(images, LABELS)
    assert logits.std() > 1e-4


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: tiny(mixing=1.5), r"mixing must be in \[0, 1\], got 1.5"),
        (lambda: tiny(mapping_layers=0), "mapping_layers must be >= 1, got 0"),
        (lambda: tiny(max_width=2), "max_width must be >= width = 4, got 2"),
        (lambda: tiny(image_size=48), "image_size must be a power of two"),
        (lambda: Discriminator(32, width=4, group_size=0), "group_size must be >= 1, got 0"),
    ],
)
def test_bad_values_are_refused(make, fault):
    with pytest.raises(ValueError, match=fault):
        make()
