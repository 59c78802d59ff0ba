import pytest
import torch
from prdc import compute_prdc

from atelier.metrics import neighbours
from atelier.metrics.manifold import density_coverage, precision_recall, reach


def features(count, seed, size=8, shift=0.0, scale=1.0):
    return scale * torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) + shift


def measured(real, fake, k):
    radii = reach(real, k)
    return {
        **precision_recall(real, radii, fake, reach(fake, k))._asdict(),
        **density_coverage(real, radii, fake, k)._asdict(),
    }


@pytest.mark.parametrize("chunk", [2**24, 50])
@pytest.mark.parametrize("k", [1, 5])
def test_all_four_are_those_of_their_authors_package(k, chunk, monkeypatch):
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
    real, fake = features(70, 0), features(90, 1, shift=0.7, scale=1.1)
    expected = compute_prdc(real.double().numpy(), fake.double().numpy(), nearest_k=k)
    assert all(0.02 < expected[name] < 0.98 for name in ("precision", "recall", "coverage"))
    assert measured(real, fake, k) == pytest.approx(expected, rel=1e-9)


def test_the_real_distribution_itself_has_a_density_near_one_and_nearly_all_coverage():
    found = measured(features(800, 0), features(800, 1), 5)
    assert found["density"] == pytest.approx(1, abs=0.1)
    # Naeem et al. 2020, lemma 2: 1 - ((N-1)...(N-k)) / ((2N-1)...(2N-k)), about 1 - 2⁻ᵏ
    assert found["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)
    assert found["precision"] == pytest.approx(found["recall"], abs=0.06)


def test_half_of_the_modes_halve_recall_and_coverage_and_leave_precision():
    real = torch.cat([features(200, 0), features(200, 1, shift=50)])
    found = measured(real, features(400, 2), 5)
    assert found["precision"] > 0.9
    assert found["recall"] == pytest.approx(0.5, abs=0.05)
    assert found["coverage"] == pytest.approx(0.5, abs=0.05)


def test_what_lies_elsewhere_has_nothing_of_either():
    assert set(measured(features(50, 0), features(60, 1, shift=100), 5).values()) == {0.0}


@pytest.mark.parametrize("k", [0, 4])
def test_a_sample_has_only_so_many_others(k):
    with pytest.raises(ValueError, match=rf"k must be in 1\.\.3, the other points, got {k}"):
        reach(torch.zeros(4, 2), k)
