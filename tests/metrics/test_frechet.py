import pytest
import scipy.linalg
import torch

from atelier.metrics.frechet import Factored, Full, frechet_distance


def features(count, seed, size=12, shift=0.0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(size, size, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    return scale * torch.randn(count, size, generator=generator, dtype=torch.float64) @ mixing + shift


def full(samples):
    return Full(samples.mean(0), samples.T.cov())


def by_scipy(first, second):
    """Heusel et al. 2017, eq. 6, with scipy's matrix root."""
    (m, c), (n, d) = [(side.mean(0).numpy(), side.T.cov().numpy()) for side in (first, second)]
    return float(((m - n) ** 2).sum() + (c + d - 2 * scipy.linalg.sqrtm(c @ d).real).trace())


@pytest.mark.parametrize(("real", "fake"), [(200, 300), (200, 9), (9, 200)])
def test_the_distance_is_the_papers(real, fake):
    real, fake = features(real, 0), features(fake, 1, shift=0.3, scale=1.2)
    expected = by_scipy(real, fake)
    for first in (Factored.of(real), full(real).factored()):
        for second in (Factored.of(fake), full(fake), full(fake).factored()):
            assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-5)


def test_gaussians_along_the_axes_have_a_distance_in_closed_form():
    """|μ₁ - μ₂|² + Σ (σ₁ - σ₂)², where both covariances are diagonal."""
    (m, s), (n, t) = [(torch.randn(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64)) for _ in range(2)]
    expected = (m - n).square().sum() + (s - t).square().sum()
    assert frechet_distance(Factored(m, s.diag()), Full(n, t.square().diag())) == pytest.approx(float(expected))


@pytest.mark.parametrize("count", [5, 100])
def test_a_set_is_at_no_distance_from_itself(count):
    samples = features(count, 0)
    variance = float(samples.T.cov().trace())
    assert frechet_distance(Factored.of(samples), Factored.of(samples)) == pytest.approx(0, abs=1e-12 * variance)
    # through the covariance, roots of eigenvalues that should be nought are the square root of a rounding error
    assert frechet_distance(full(samples).factored(), full(samples)) == pytest.approx(0, abs=1e-6 * variance)


def test_the_distance_is_symmetric_and_grows_with_the_square_of_the_scale():
    first, second = Factored.of(features(50, 0)), Factored.of(features(60, 1, shift=1.0))
    there, back = frechet_distance(first, second), frechet_distance(second, first)
    assert there == pytest.approx(back, rel=1e-10)
    tripled = frechet_distance(*(Factored(3 * side.mean, 3 * side.factor) for side in (first, second)))
    assert tripled == pytest.approx(9 * there, rel=1e-10)


def test_fewer_samples_than_features_lose_nothing_against_the_covariance():
    real, fake = features(40, 0, size=200), features(30, 1, size=200, shift=0.1)
    by_rank, by_covariance = (frechet_distance(Factored.of(real), second) for second in (Factored.of(fake), full(fake)))
    assert by_rank == pytest.approx(by_covariance, rel=1e-6)
    assert full(fake).factored().factor.shape == (200, 29)


def test_it_is_nearer_to_the_truth_than_torchmetrics():
    """Of covariances whose product is known to have a root: both are diagonal in one basis, and one is singular."""
    from torchmetrics.image.fid import _compute_fid

    basis, _ = torch.linalg.qr(torch.randn(64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    s = torch.logspace(0, -6, 64, dtype=torch.float64)
    t = s.flip(0) * (torch.arange(64) < 40)
    truth = float((s - t).square().sum())
    zero, (c, d) = torch.zeros(64, dtype=torch.float64), [basis @ v.square().diag() @ basis.T for v in (s, t)]
    ours, theirs = frechet_distance(Full(zero, c).factored(), Full(zero, d)), float(_compute_fid(zero, c, zero, d))
    assert ours == pytest.approx(truth, rel=1e-6)
    assert abs(ours - truth) <= abs(theirs - truth)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_an_error_and_does_not_end_the_process(bad):
    samples = features(20, 0)
    broken = samples.clone()
    broken[3, 4] = bad
    with pytest.raises(ValueError, match="the second side of a Fréchet distance must be finite"):
        frechet_distance(Factored.of(samples), full(broken))
    with pytest.raises(ValueError, match="the first side"):
        frechet_distance(Factored.of(broken), Factored.of(samples))
