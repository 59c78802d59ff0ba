import pytest
import torch
from scipy.stats import kstest, truncnorm
from torch.testing import assert_close

from atelier.networks.players import Discriminator, Generator, truncate


class Line(Generator):
    """Images that are the sum of the latents, and the label's number."""

    def forward(self, latents, labels=None):
        return (latents.sum(1) + (0 if labels is None else labels))[:, None, None, None].expand(-1, 3, 4, 4)


class Mean(Discriminator):
    def features(self, images):
        return images.flatten(1)

    def logits(self, features, labels=None):
        return features.mean(1) + (0 if labels is None else labels)


def normal(count):
    return torch.randn(count, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("threshold", [0.1, 0.5, 1.0, 2.0])
def test_truncated_latents_are_of_the_truncated_normal_distribution(threshold):
    truncated = truncate(normal(20_000), threshold)
    assert truncated.abs().max() <= threshold
    assert kstest(truncated.double().numpy(), truncnorm(-threshold, threshold).cdf).pvalue > 0.01


@pytest.mark.parametrize("threshold", [0.1, 0.5, 1.0, 2.0])
def test_each_quantile_goes_to_the_same_quantile(threshold):
    """The map itself against another implementation: Phi to the truncated distribution's inverse."""
    latents = normal(100).double()
    expected = truncnorm(-threshold, threshold).ppf(torch.special.ndtr(latents).numpy())
    assert_close(truncate(latents, threshold), torch.from_numpy(expected), rtol=1e-6, atol=1e-9)


def test_truncation_keeps_order_and_sign():
    latents = normal(1000)
    truncated = truncate(latents, 0.7)
    assert (latents.argsort() == truncated.argsort()).all()
    assert (truncated.sign() == latents.sign()).all()
    assert (truncated.abs() <= latents.abs()).all()


def test_a_far_threshold_changes_nothing_and_none_is_the_same_tensor():
    latents = normal(1000)
    assert_close(truncate(latents, 8.0), latents, rtol=1e-5, atol=1e-6)
    assert truncate(latents, None) is latents


def test_extreme_latents_stay_finite():
    truncated = truncate(torch.tensor([-40.0, 40.0]), 1.0)
    assert_close(truncated, torch.tensor([-1.0, 1.0]))


@pytest.mark.parametrize("threshold", [0, -1.0, float("nan")])
def test_a_threshold_is_positive(threshold):
    with pytest.raises(ValueError, match=f"truncation must be > 0, got {threshold}"):
        truncate(normal(2), threshold)


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 1])], ids=["plain", "classes"])
def test_pictures_of_styles_are_those_of_the_latents(labels):
    generator, latents = Line(5, None if labels is None else 2), torch.randn(3, 5)
    styles = generator.styles(latents, labels)
    assert styles.shape == (3, generator.style_layers, 5)
    assert_close(generator.synthesize(styles, labels), generator(latents, labels))


def test_styles_are_truncated():
    styles = Line(50).styles(torch.randn(20, 50), truncation=0.5)
    assert styles.abs().max() <= 0.5


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 1])], ids=["plain", "classes"])
def test_a_discriminator_judges_by_its_features(labels):
    discriminator, images = Mean(None if labels is None else 2), torch.randn(3, 3, 4, 4)
    assert_close(discriminator(images, labels), discriminator.logits(discriminator.features(images), labels))
    assert not discriminator.mixes_images


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Line(0), "latent_dim must be >= 1, got 0"),
        (lambda: Line(4, 0), "classes must be >= 1 or null, got 0"),
        (lambda: Mean(-1), "classes must be >= 1 or null, got -1"),
    ],
)
def test_bad_values_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
