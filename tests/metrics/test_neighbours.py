import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, pdist

from atelier.metrics import neighbours
from atelier.metrics.neighbours import nearest, radii, spread


def points(count, seed, size=5, shift=0.0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.fixture(params=[2**24, 7], ids=["at once", "in chunks"])
def chunk(request, monkeypatch):
    monkeypatch.setattr(neighbours, "CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
def test_the_nearest_are_those_of_scipy():
    queries, references = points(20, 0), points(30, 1)
    reference = cdist(queries.double(), references.double())

    distances, indices = nearest(queries, references)

    torch.testing.assert_close(distances.double(), torch.from_numpy(reference.min(1)), rtol=1e-6, atol=0)
    np.testing.assert_array_equal(indices, reference.argmin(1))


def test_a_point_among_the_references_is_at_distance_nought_however_far_from_the_origin():
    crowd = points(50, 0, size=160, shift=1e4)
    distances, indices = nearest(crowd, crowd)
    torch.testing.assert_close(distances, torch.zeros(50), rtol=0, atol=0)
    torch.testing.assert_close(indices, torch.arange(50))


def test_half_precision_features_are_compared_in_single_precision():
    crowd = points(10, 0).half()
    torch.testing.assert_close(nearest(crowd, crowd.flip(0))[0], torch.zeros(10), rtol=0, atol=0)


@pytest.mark.usefixtures("chunk")
def test_a_radius_reaches_to_the_kth_other_point():
    line = torch.tensor([[0.0], [1.0], [3.0], [6.0]])
    torch.testing.assert_close(radii(line, 1), torch.tensor([1.0, 1.0, 2.0, 3.0]))
    torch.testing.assert_close(radii(line, 3), torch.tensor([6.0, 5.0, 3.0, 6.0]))


def test_a_double_is_its_doubles_nearest_other():
    torch.testing.assert_close(radii(torch.tensor([[0.0], [0.0], [5.0]])), torch.tensor([0.0, 0.0, 5.0]))


@pytest.mark.usefixtures("chunk")
def test_spread_is_the_mean_over_all_pairs():
    crowd = points(12, 0)
    torch.testing.assert_close(spread(crowd), float(pdist(crowd.double()).mean()), rtol=1e-6, atol=0)
    assert spread(torch.ones(4, 3)) == 0


@pytest.mark.parametrize("k", [0, 4])
def test_a_point_has_only_so_many_others(k):
    with pytest.raises(ValueError, match=rf"k must be in 1\.\.3, the other points, got {k}"):
        radii(torch.zeros(4, 2), k)


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ValueError, match="references must not be empty"):
        nearest(torch.zeros(2, 3), torch.zeros(0, 3))
    with pytest.raises(ValueError, match="points must be at least 2, got 1"):
        spread(torch.zeros(1, 3))
