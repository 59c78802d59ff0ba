import math

import pytest
import torch

from atelier.networks import equalized


@pytest.mark.parametrize("rate", [1.0, 0.01])
@pytest.mark.parametrize("width", [64, 1024])
def test_unit_variance_passes_through(width, rate):
    """Weights are drawn so that features keep their variance, whatever the width."""
    inputs = torch.randn(256, width)
    assert equalized.Linear(width, 256, rate)(inputs).std().item() == pytest.approx(1, rel=0.05)
    images = torch.randn(4, 32, 16, 16)
    assert equalized.Conv2d(32, 64, 3)(images).std().item() == pytest.approx(1, rel=0.05)


def test_activation_keeps_the_second_moment():
    """Of N(0, 1): 2 (1 + 0.2^2) / 2 = 1.04."""
    assert equalized.activate(torch.randn(100_000)).square().mean().item() == pytest.approx(1.04, rel=0.03)


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_one_step_of_an_optimiser_moves_every_width_alike(rate):
    """Adam's first step is lr for every weight: rate * lr of the deviation, 1 / sqrt(fan in), of the weight in use."""
    for width in (16, 256):
        layer = equalized.Linear(width, 8, rate, bias=1.0)
        weight, bias = layer.weight * layer.gain, layer.bias * layer.rate
        layer(torch.randn(4, width)).sum().backward()
        torch.optim.Adam(layer.parameters(), lr=0.1, eps=0).step()
        moved = (layer.weight * layer.gain - weight).abs() * math.sqrt(width)
        torch.testing.assert_close(moved, torch.full_like(moved, 0.1 * rate), rtol=1e-3, atol=1e-6)
        torch.testing.assert_close(layer.bias * layer.rate - bias, torch.full((8,), -0.1 * rate), rtol=1e-3, atol=1e-6)


def test_a_bias_starts_where_it_is_asked_to():
    layer = equalized.Linear(4, 3, rate=0.01, bias=1.0)
    torch.testing.assert_close(layer(torch.zeros(2, 4)), torch.ones(2, 3))


def test_projection_on_a_label_is_a_cosine_of_unit_vectors():
    head, features = equalized.Projection(8, classes=3), torch.randn(4, 8)
    labels = torch.tensor([0, 1, 2, 1])
    embedded = head.embedding.weight[labels]
    expected = (head.linear(features) * embedded).sum(1) / embedded.norm(dim=1)
    torch.testing.assert_close(head(features, labels), expected)


def test_unit_variance_forgets_scale():
    vectors = torch.randn(4, 16)
    torch.testing.assert_close(equalized.unit_variance(vectors).square().mean(1), torch.ones(4))
    torch.testing.assert_close(equalized.unit_variance(3 * vectors), equalized.unit_variance(vectors))


def test_spectral_norm_replaces_the_equalised_scale():
    network = torch.nn.Sequential(equalized.Linear(32, 16, rate=0.01), equalized.Linear(16, 8))
    equalized.normalize_spectrally(network)
    for _ in range(200):
        network(torch.randn(2, 32))
    for layer in network.eval():
        used = layer(torch.eye(layer.in_features)) - layer(torch.zeros(1, layer.in_features))
        assert torch.linalg.svdvals(used)[0].item() == pytest.approx(1, rel=1e-2)
