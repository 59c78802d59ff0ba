from itertools import permutations

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from atelier.losses.generator import Creation
from atelier.losses.orthogonality import Orthogonality, filters
from atelier.networks import biggan, dcgan


def of(network, weight=1.0):
    return Orthogonality(weight)(Creation(network, None, None, None, None, None, None), update=1)


def test_filters_of_any_length_that_are_orthogonal_cost_nothing():
    layer = nn.Conv2d(3, 4, 2)
    layer.weight.data = (torch.tensor([0.1, 1.0, 2.0, 7.0])[:, None] * torch.eye(12)[:4]).reshape(4, 3, 2, 2)
    assert of(layer) == 0
    layer.weight.data[1] = layer.weight.data[3]  # 1 * 49 twice over, as both are in the same direction
    assert of(layer).item() == pytest.approx(2 * 49**2)


def test_every_pair_of_a_layers_filters_counts():
    network = nn.Sequential(nn.Linear(5, 3), nn.ConvTranspose2d(2, 3, 4), nn.Conv2d(2, 3, 4))
    rows = network[0].weight, network[1].weight.transpose(0, 1), network[2].weight
    expected = sum((one * other).sum() ** 2 for weights in rows for one, other in permutations(weights, 2))
    torch.testing.assert_close(of(network, weight=0.5), 0.5 * expected)


def test_weights_count_as_they_are_learned():
    layer = nn.Linear(6, 4)
    plain = of(layer)
    torch.testing.assert_close(of(spectral_norm(layer)), plain)


def test_descending_makes_filters_orthogonal():
    torch.manual_seed(0)
    layer = nn.Linear(8, 4)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
    before = of(layer).item()
    for _ in range(300):
        optimizer.zero_grad()
        of(layer).backward()
        optimizer.step()
    assert of(layer).item() < 1e-3 * before
    assert layer.weight.norm(dim=1).min() > 0.1


def test_it_is_of_all_weights_but_the_embeddings():
    generator = biggan.Generator(16, latent_dim=20, width=2, attention=8, label_dim=4, classes=3)
    found = {weights.untyped_storage().data_ptr() for weights in filters(generator)}
    assert found == {
        weights.untyped_storage().data_ptr()
        for name, weights in generator.named_parameters()
        if weights.ndim > 1 and not name.startswith("embedding")
    }


def test_the_first_layer_of_dcgan_is_one_of_filters_too():
    generator = dcgan.Generator(16, latent_dim=5, width=2, norm="batch")
    assert [weights.shape[0] for weights in filters(generator)] == [4, 2, 3]
