import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.conditioning import LabelledLatents, Projection
from atelier.networks.spectral import normalize_spectrally


def test_latents_stay_and_their_labels_embedding_comes_beside_them():
    labelled, latents, labels = (
        LabelledLatents(5, classes=3, label_dim=2),
        torch.randn(4, 5),
        torch.tensor([2, 0, 1, 2]),
    )
    both = labelled(latents, labels)
    assert both.shape == (4, labelled.width) == (4, 7)
    assert_close(both[:, :5], latents, rtol=0, atol=0)
    assert_close(both[:, 5:], labelled.embedding[labels], rtol=0, atol=0)


def test_without_classes_latents_are_all():
    labelled, latents = LabelledLatents(5, classes=None), torch.randn(4, 5)
    assert labelled.width == 5
    assert labelled(latents) is latents
    assert [*labelled.parameters()] == []


def test_spectral_normalisation_leaves_labels_as_strong_as_latents():
    network, labels = nn.Sequential(LabelledLatents(5, classes=40)), torch.arange(40)
    before = network[0](torch.zeros(40, 5), labels)
    normalize_spectrally(network)
    assert_close(network[0](torch.zeros(40, 5), labels), before, rtol=0, atol=0)
    assert before[:, 5:].std().item() == pytest.approx(1, rel=0.1)  # as latents; of 2560 draws


def test_projection_is_equation_3():
    """Miyato & Koyama 2018: y^T V phi(x) + psi(phi(x)), with y one-hot."""
    projection, features, labels = Projection(6, classes=3), torch.randn(4, 6), torch.tensor([2, 0, 1, 2])
    one_hot = nn.functional.one_hot(labels, 3).float()
    product = one_hot @ projection.embedding.weight @ features.T
    assert_close(projection(features, labels), product.diagonal() + projection.linear(features).squeeze(1))


def test_projection_without_classes_is_linear():
    projection, features = Projection(6, classes=None), torch.randn(4, 6)
    assert_close(projection(features), features @ projection.linear.weight[0] + projection.linear.bias)


@pytest.mark.parametrize("network", [LabelledLatents, Projection])
def test_a_label_beyond_the_classes_is_no_embedding(network):
    with pytest.raises(IndexError):
        network(6, classes=3)(torch.randn(1, 6), torch.tensor([3]))
