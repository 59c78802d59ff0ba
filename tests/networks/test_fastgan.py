import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from atelier.networks.fastgan import Discriminator, Excitation, Generator, quarter
from atelier.networks.gated import up
from atelier.networks.padding import make_seamless


def player_inputs(classes):
    return None if classes is None else torch.tensor([0, 2])


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("size", [16, 32, 64])
def test_shapes_and_range(size, classes):
    labels = player_inputs(classes)
    images = Generator(size, latent_dim=8, width=4, max_width=16, classes=classes)(torch.randn(2, 8), labels)
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    logits = Discriminator(size, width=4, max_width=16, classes=classes)(images, labels)
    assert logits.shape == (2, 25)  # 5 x 5 (Liu et al. 2021, figure 4)


@pytest.mark.parametrize(
    ("size", "pairs"),
    [
        (16, [(4, 16)]),
        (32, [(4, 32)]),
        (64, [(4, 64)]),
        (256, [(4, 64), (8, 128), (16, 256)]),
        (1024, [(4, 64), (8, 128), (16, 256), (32, 512), (64, 1024)]),
    ],
)
def test_which_sides_an_excitation_joins(size, pairs):
    """8 and 128, 16 and 256, 32 and 512 (Liu et al. 2021, figure 3), and the same distance for the rest."""
    with torch.device("meta"):
        generator = Generator(size, latent_dim=8, width=4, max_width=8)
    joined = []
    reach = len(generator.stages) - len(generator.excitations)
    for k, excitation in enumerate(generator.excitations):
        coarse = 4 * excitation.gate[0].kernel_size
        assert coarse == 4 * 2**k
        joined.append((coarse, 4 * 2 ** (k + reach)))
    assert joined == pairs


def test_an_excitation_is_used():
    """With its gate open by half everywhere the generator's last feature map is half as strong."""
    generator = Generator(32, latent_dim=8, width=4).eval()
    seen = []
    generator.output.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    latents = torch.randn(2, 8)
    last = generator.excitations[-1].gate[3]
    with torch.no_grad():
        last.weight.zero_()
        for bias in (0.0, 100.0):  # sigmoid: a half and one
            last.bias.fill_(bias)
            generator(latents)
    torch.testing.assert_close(2 * seen[0], seen[1])
    assert seen[1].abs().max() > 0


def test_excitation_scales_channels_of_each_image():
    """Eq. 1 written out: adaptive pooling to 4 x 4, a convolution to 1 x 1, leaky ReLU, a linear map, sigmoid."""
    excitation = Excitation(coarse=6, fine=4, pool=2)
    coarse, fine = torch.randn(2, 6, 8, 8), torch.randn(2, 4, 5, 5)
    _, first, _, second, _ = excitation.gate
    pooled = coarse.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))
    hidden = torch.einsum("bihw,oihw->bo", pooled, first.weight) + first.bias
    hidden = torch.maximum(hidden, 0.1 * hidden)
    gate = 1 / (1 + torch.exp(-(hidden @ second.weight[:, :, 0, 0].T + second.bias)))
    torch.testing.assert_close(excitation(coarse, fine), gate[:, :, None, None] * fine)


def test_the_generator_in_use_is_deterministic_and_draws_each_image_alone():
    generator = Generator(32, latent_dim=8, width=4)
    generator(torch.randn(4, 8))  # statistics of one batch
    generator.eval()
    latents = torch.randn(4, 8)
    torch.testing.assert_close(generator(latents), generator(latents), rtol=0, atol=0)
    torch.testing.assert_close(generator(latents)[:2], generator(latents[:2]))


@pytest.mark.parametrize("norm", ["batch", None])
def test_says_truly_whether_it_mixes_images(norm):
    discriminator = Discriminator(32, width=4, norm=norm).train()
    images = torch.randn(4, 3, 32, 32)
    alone, together = discriminator(images[:2]), discriminator(images)[:2]
    assert discriminator.mixes_images == (not torch.allclose(alone, together, atol=1e-5))
    assert any(isinstance(module, nn.BatchNorm2d) for module in discriminator.modules()) == (norm == "batch")


def test_another_norm_is_refused():
    with pytest.raises(ValueError, match=r"norm must be one of \['batch', None\], got 'layer'"):
        Discriminator(32, norm="layer")


def test_too_small_images_are_refused():
    for player in (Generator, Discriminator):
        with pytest.raises(ValueError, match=r"image_size must be a power of two >= 16, got 8 \(nearest: 16\)"):
            player(8)


def test_features_are_at_16_and_8_pixels_whatever_the_size():
    for size in (16, 32, 64):
        finer, coarser, images = Discriminator(size, width=4, max_width=16).features(torch.randn(2, 3, size, size))
        assert finer.shape[2:] == (16, 16)
        assert coarser.shape[2:] == (8, 8)
        assert images.shape[2:] == (size, size)


@pytest.mark.parametrize(("size", "part", "whole"), [(16, 8, 16), (32, 16, 32), (64, 32, 64), (256, 128, 128)])
def test_decoded_pictures_are_of_the_side_of_what_they_should_be(size, part, whole):
    """At most 128 pixels."""
    discriminator = Discriminator(size, width=2, max_width=4).eval()
    pairs = discriminator.decode(discriminator.features(torch.rand(1, 3, size, size)))
    assert [made.shape[2] for made, _ in pairs] == [part, whole]
    assert [meant.shape for _, meant in pairs] == [made.shape for made, _ in pairs]
    assert all(made.abs().max() <= 1 for made, _ in pairs)


def test_a_large_image_is_decoded_small():
    discriminator = Discriminator(512, width=2, max_width=2).eval()
    images = torch.rand(1, 3, 512, 512)
    (_, part), (_, whole) = discriminator.decode(discriminator.features(images))
    torch.testing.assert_close(whole, avg_pool2d(images, 4))
    quarters = [avg_pool2d(images, 2)[:, :, y : y + 128, x : x + 128] for y in (0, 128) for x in (0, 128)]
    assert sum(torch.allclose(part, quarter, atol=1e-6) for quarter in quarters) == 1


def test_what_is_to_be_drawn_is_what_was_seen():
    """The features hold the image the discriminator saw, so behind an augmentation it is the augmented one."""
    discriminator = Discriminator(32, width=4).eval()
    seen = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(discriminator.decode(discriminator.features(seen))[1][1], seen)


def test_quarters():
    images = torch.arange(2 * 3 * 8 * 8.0).reshape(2, 3, 8, 8)
    cut = quarter(images, torch.tensor([0, 1]), torch.tensor([1, 0]))
    torch.testing.assert_close(cut[0], images[0, :, :4, 4:], rtol=0, atol=0)
    torch.testing.assert_close(cut[1], images[1, :, 4:, :4], rtol=0, atol=0)


def test_features_and_picture_are_cut_alike():
    """Only the quarter that is lit has anything in it, in the features as in the picture."""
    discriminator = Discriminator(32, width=4)
    discriminator.decode_part = nn.Identity()
    images, finer = torch.zeros(64, 3, 32, 32), torch.zeros(64, 1, 16, 16)
    images[:, :, 16:, :16], finer[:, :, 8:, :8] = 1, 1
    features, pictures = discriminator.decode((finer, torch.zeros(64, 16, 8, 8), images))[0]
    lit = features.flatten(1).mean(1)
    torch.testing.assert_close(lit, pictures.flatten(1).mean(1), rtol=0, atol=0)
    assert sorted(lit.unique().tolist()) == [0, 1]  # each image has a quarter of its own


def test_labels_move_the_logits_of_every_part():
    discriminator = Discriminator(32, width=4, classes=2).eval()
    with torch.no_grad():
        discriminator.embedding.weight[0].zero_()
        discriminator.embedding.weight[1].fill_(1)
    images = torch.randn(2, 3, 32, 32)
    features = discriminator.features(images)
    zeros = torch.zeros(2, dtype=torch.long)
    moved = discriminator.logits(features, zeros + 1) - discriminator.logits(features, zeros)
    hidden = discriminator.head(features[1])
    sums = torch.stack([hidden[:, :, y : y + 4, x : x + 4].mean((2, 3)).sum(1) for y in range(5) for x in range(5)], 1)
    torch.testing.assert_close(moved, sums, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_labels_start_no_stronger_than_images(spectral_norm):
    torch.manual_seed(0)
    discriminator = Discriminator(32, width=16, classes=8, spectral_norm=spectral_norm)
    features, labels = discriminator.features(torch.randn(8, 3, 32, 32)), torch.arange(8)
    by_image = discriminator.judge(discriminator.head(features[1])).std()
    by_label = torch.stack([discriminator.logits(features, labels.roll(k)) for k in range(8)]).std(0).mean()
    assert 0 < by_label < 2 * by_image


def test_double_backward_is_exact():
    discriminator = Discriminator(16, width=2, max_width=2, norm=None).double()
    images = torch.randn(1, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: discriminator(x).tanh(), (images,))


@pytest.mark.parametrize("seamless", [True, False])
def test_seamless_stages_roll(seamless):
    torch.manual_seed(0)
    stage = nn.Sequential(up(4, 6), nn.Conv2d(6, 3, 3, padding=1)).eval()
    if seamless:
        make_seamless(stage)
    images = torch.randn(2, 4, 8, 8)
    rolled = stage(images.roll((1, 3), (2, 3)))
    assert torch.allclose(rolled, stage(images).roll((2, 6), (2, 3)), atol=1e-5) == seamless


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_both_can_be_normalised_spectrally(spectral_norm):
    generator = Generator(32, latent_dim=8, width=4, spectral_norm=spectral_norm, classes=2)
    discriminator = Discriminator(32, width=4, spectral_norm=spectral_norm, classes=2)
    labels = torch.tensor([0, 1])
    logits = discriminator(generator(torch.randn(2, 8), labels), labels)
    assert logits.isfinite().all()
    for network in (generator, discriminator):
        normalised = any("parametrizations" in name for name, _ in network.named_parameters())
        assert normalised == spectral_norm
