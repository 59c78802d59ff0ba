import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch.testing import assert_close

from atelier.moments import full
from atelier.networks.transforms.wct import WCT


def activation(seed, *size, rank=None):
    generator = torch.Generator().manual_seed(seed)
    channels = size[1]
    mixing = torch.randn(channels, rank or channels, generator=generator)
    places = torch.randn(size[0], rank or channels, *size[2:], generator=generator)
    return torch.einsum("oi, bihw -> bohw", mixing, places) + torch.randn(channels, 1, 1, generator=generator)


def transferred(content, style):
    transform = WCT("tap")
    return transform({"tap": content}, transform.summarise({"tap": content}), transform.learn({"tap": style}))


def test_the_result_has_the_styles_mean_and_covariance():
    """Up to what float32 knows of covariances whose eigenvalues are about 100 apart."""
    style = activation(1, 2, 5, 7, 9)
    made, expected = full(transferred(activation(0, 2, 5, 8, 6), style)), full(style)
    assert_close(made.mean, expected.mean, rtol=0, atol=1e-4)
    assert_close(made.covariance, expected.covariance, rtol=1e-3, atol=1e-3)


def test_it_is_the_product_of_the_papers_roots():
    content, style = (activation(seed, 1, 5, 8, 6) for seed in (0, 1))
    flat, other = (side[0].flatten(1).double().numpy() for side in (content, style))
    whitening = np.linalg.inv(sqrtm(np.cov(flat, bias=True)))
    coloured = sqrtm(np.cov(other, bias=True)) @ whitening @ (flat - flat.mean(1, keepdims=True))
    expected = torch.from_numpy(coloured + other.mean(1, keepdims=True)).float().view(content.shape)
    assert_close(transferred(content, style), expected, rtol=1e-3, atol=1e-3)


def test_of_a_picture_with_itself_it_changes_nothing():
    content = activation(0, 2, 5, 8, 6)
    assert_close(transferred(content, content), content, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rank", [1, 3])
def test_directions_a_content_lacks_stay_empty(rank):
    """Whitened noise would be as loud as the picture. What is left spans as many directions as the content."""
    content = activation(0, 1, 5, 8, 6, rank=rank)
    made = full(transferred(content, activation(1, 1, 5, 8, 6))).covariance[0].double()
    variances = torch.linalg.eigvalsh(made)
    assert_close(variances[: 5 - rank], torch.zeros(5 - rank, dtype=torch.float64), rtol=0, atol=1e-4)
    assert (variances[5 - rank :] > 0.01).all()


def test_noise_is_not_blown_up():
    """In two of five directions this content has about 1e-8 of the variance of the others."""
    noise = torch.randn(1, 5, 8, 6, generator=torch.Generator().manual_seed(2))
    content = activation(0, 1, 5, 8, 6, rank=3) + 5e-4 * noise
    made = full(transferred(content, activation(1, 1, 5, 8, 6))).covariance[0].double()
    assert_close(torch.linalg.eigvalsh(made)[:2], torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-4)


def test_directions_a_style_lacks_become_empty():
    style = activation(1, 1, 5, 8, 6, rank=2)
    made = full(transferred(activation(0, 1, 5, 8, 6), style)).covariance
    assert_close(made, full(style).covariance, rtol=1e-3, atol=1e-3)


def test_a_flat_content_becomes_the_styles_mean():
    style = activation(1, 1, 5, 7, 3)
    made = transferred(torch.full((1, 5, 4, 6), 3.0), style)
    assert_close(made, style.mean((2, 3), keepdim=True).expand_as(made), rtol=0, atol=1e-4)


def test_strength_none_is_the_content():
    content = activation(0, 1, 5, 4, 6)
    assert_close(WCT("tap").plain({"tap": content}), content, rtol=0, atol=0)
