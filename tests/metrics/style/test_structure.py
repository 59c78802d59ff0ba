import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch.testing import assert_close

from atelier.metrics.style import structure
from atelier.metrics.style.structure import structural_distance


def activation(seed, scale=3.0, size=(6, 5)):
    return torch.rand(2, 7, *size, generator=torch.Generator().manual_seed(seed)) * scale


def divergence(content, stylised):
    """Of one picture: a row of similarities for each place, and scipy's entropies between them."""
    rows = []
    for features in (content, stylised):
        patches = features.double().flatten(1).T.numpy() / len(features)
        rows.append(softmax(patches @ patches.T, axis=1))
    return float(entropy(*rows, axis=1).sum())


@pytest.mark.parametrize("chunk", [2**18, 70], ids=["at once", "two rows at a time"])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_it_is_the_divergence_of_the_contents_similarities_from_the_others(monkeypatch, chunk, scale):
    monkeypatch.setattr(structure, "CHUNK", chunk)
    content, stylised = activation(0, scale), activation(1, scale)
    expected = torch.tensor([divergence(*pair) for pair in zip(content, stylised, strict=True)], dtype=torch.float64)
    assert_close(structural_distance(content, stylised), expected, rtol=1e-4, atol=0)


def test_it_has_a_direction():
    content, stylised = activation(0, 30), activation(1, 30)
    assert (structural_distance(content, stylised) - structural_distance(stylised, content)).abs().min() > 0.01


def test_an_unchanged_picture_is_at_no_distance():
    assert_close(structural_distance(activation(0), activation(0)), torch.zeros(2, dtype=torch.float64), rtol=0, atol=0)


def test_what_features_stand_for_does_not_matter_but_which_are_alike():
    """Channels exchanged alike everywhere leave every similarity as it was."""
    content = activation(0)
    assert structural_distance(content, content.flip(1)).abs().max() < 1e-10
    assert structural_distance(content, content.flip(3)).min() > 1e-4


def test_small_divergences_are_not_lost_in_rounding():
    """As many patches as a picture of 128 pixels has, nearly alike: some 1e-7 each, a float32's last digit."""
    content = activation(0, 0.5, (32, 32))
    stylised = content + 0.01 * torch.rand(content.shape, generator=torch.Generator().manual_seed(2))
    expected = torch.tensor([divergence(*pair) for pair in zip(content, stylised, strict=True)], dtype=torch.float64)
    assert expected.max() / 1024 < 1e-7
    assert_close(structural_distance(content, stylised), expected, rtol=1e-3, atol=0)
