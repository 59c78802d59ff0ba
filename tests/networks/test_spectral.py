from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.padding import ConvTranspose2d
from atelier.networks.spectral import normalize_spectrally

# Each with its weight as a matrix, outputs first (Miyato et al. 2018, section 2.1 and 3)
LAYERS = {
    "linear": (lambda: nn.Linear(6, 4), lambda weight: weight),
    "convolution": (lambda: nn.Conv2d(3, 5, 3), lambda weight: weight.flatten(1)),
    "transposed": (lambda: ConvTranspose2d(3, 5, 4, 2, 1), lambda weight: weight.transpose(0, 1).flatten(1)),
    "embedding": (lambda: nn.Embedding(7, 4), lambda weight: weight),
}


def iterate(network, times):
    """Power iterations alone: reading a weight in training is one."""
    network.train()
    for _ in range(times):
        _ = [module.weight for module in network.modules() if hasattr(module, "parametrizations")]
    return network.eval()


@pytest.mark.parametrize("kind", LAYERS)
def test_the_largest_singular_value_becomes_one(kind):
    make, as_matrix = LAYERS[kind]
    torch.manual_seed(0)
    network = nn.Sequential(make())
    free = torch.linalg.svdvals(as_matrix(network[0].weight.detach()))
    normalize_spectrally(network)
    singular = torch.linalg.svdvals(as_matrix(iterate(network, 100)[0].weight))
    assert_close(singular[0], torch.tensor(1.0), rtol=1e-4, atol=0)
    assert_close(singular, free / free[0], rtol=1e-3, atol=1e-5)  # and the rest is as it was


def test_reaches_every_layer_with_a_matrix_and_no_other():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(4, 4), nn.GroupNorm(1, 4)), nn.Embedding(3, 4)
    )
    normalize_spectrally(network)
    normalised = [type(module).__bases__[-1] for module in network.modules() if hasattr(module, "parametrizations")]
    assert normalised == [nn.Conv2d, nn.Linear, nn.Embedding]


def test_a_linear_network_is_never_steeper_than_one():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(10)
    normalize_spectrally(network)
    iterate(network, 100)
    one, other = torch.randn(2, 64, 8)
    steepness = (network(one) - network(other)).abs().squeeze(1) / (one - other).norm(dim=1)
    assert 0 < steepness.max() <= 1 + 1e-3


def test_evaluation_iterates_no_further():
    network = nn.Sequential(nn.Linear(8, 8))
    normalize_spectrally(network)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.randn(2, 8))
    assert_close(dict(network.state_dict()), before, rtol=0, atol=0)


def test_copies_and_reloads():
    network = nn.Sequential(nn.Linear(8, 4))
    normalize_spectrally(network)
    iterate(network, 5)
    other, given = nn.Sequential(nn.Linear(8, 4)), torch.randn(2, 8)
    normalize_spectrally(other)
    other.load_state_dict(network.state_dict())
    for same in (other.eval(), deepcopy(network)):
        assert_close(same(given), network(given), rtol=0, atol=0)
