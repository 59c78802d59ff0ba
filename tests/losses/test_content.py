import pytest
import torch

from atelier import moments
from atelier.losses.content import ContentDistance, NormalizedContentDistance

each_distance = pytest.mark.parametrize("distance", [ContentDistance(), NormalizedContentDistance()])


def activations(seed, batch=2):
    return 3 * torch.randn(batch, 4, 6, 5, generator=torch.Generator().manual_seed(seed)) + 1


@each_distance
def test_is_zero_from_a_picture_to_itself_and_positive_to_another(distance):
    first, second = activations(0), activations(1)
    torch.testing.assert_close(distance(first, first), torch.zeros(2), rtol=0, atol=0)
    assert (distance(first, second) > 0.1).all()


@each_distance
def test_places_count(distance):
    first = activations(0)
    assert (distance(first.flip(3), first) > 0.1).all()


@each_distance
def test_pictures_of_a_batch_do_not_meet_and_one_content_serves_all(distance):
    first, content = activations(0, batch=3), activations(1, batch=1)
    alone = torch.cat([distance(first[i : i + 1], content) for i in range(3)])
    torch.testing.assert_close(distance(first, content), alone)


@each_distance
def test_a_step_against_the_gradient_comes_nearer(distance):
    first, content = activations(0).requires_grad_(), activations(1)
    before = distance(first, content)
    (slope,) = torch.autograd.grad(before.sum(), first)
    assert (distance(first - slope, content) < before).all()


def test_by_its_sum():
    first, content = activations(0, batch=1), activations(1, batch=1)
    pairs = zip(first.ravel().tolist(), content.ravel().tolist(), strict=True)
    expected = torch.tensor([sum((a - b) ** 2 for a, b in pairs) / 120])
    torch.testing.assert_close(ContentDistance()(first, content), expected)


def test_normalized_is_that_of_instance_norms():
    first, content = activations(0), activations(1)
    expected = ContentDistance()(*(torch.nn.functional.instance_norm(one, eps=1e-5) for one in (first, content)))
    torch.testing.assert_close(NormalizedContentDistance()(first, content), expected)


def test_normalized_lets_colours_and_contrast_change():
    first, content = activations(0), activations(1)
    scale, shift = torch.tensor([0.5, 1, 2, 4])[:, None, None], torch.arange(4.0)[:, None, None]
    distance = NormalizedContentDistance()
    torch.testing.assert_close(distance(first * scale + shift, content), distance(first, content), rtol=1e-4, atol=0)
    assert (ContentDistance()(first * scale + shift, first) > 0.1).all()


def test_normalized_stays_finite_where_a_channel_is_silent():
    first = activations(0)
    first[:, 0] = 0
    first.requires_grad_()
    (slope,) = torch.autograd.grad(NormalizedContentDistance()(first, activations(1)).sum(), first)
    assert slope.isfinite().all()


def test_a_tile_is_normalized_as_part_of_its_picture():
    whole = activations(0)
    described = moments.diagonal(whole[..., :2]).merge(moments.diagonal(whole[..., 2:]))
    expected = moments.diagonal(whole).normalise(whole)[..., 2:]
    torch.testing.assert_close(described.normalise(whole[..., 2:]), expected)
