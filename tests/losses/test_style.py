"""Every distance in style obeys one contract; each is then held against an independent computation."""

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from describing import activations, between, gradient
from omegaconf import OmegaConf

from atelier import moments
from atelier.config import build
from atelier.losses.style import Gram, MeanDeviation, OfMoments, StyleDistance, Wasserstein
from atelier.losses.style_sliced import Sliced

LOSSES = Path(__file__).parents[2] / "conf" / "loss"

OF_MOMENTS = [Gram(), MeanDeviation(), Wasserstein()]
DISTANCES = [*OF_MOMENTS, Sliced()]
each_distance = pytest.mark.parametrize("distance", DISTANCES, ids=lambda d: type(d).__name__)
each_of_moments = pytest.mark.parametrize("distance", OF_MOMENTS, ids=lambda d: type(d).__name__)


def test_the_list_is_complete():
    assert {type(distance) for distance in DISTANCES} == {Sliced, *OfMoments.__subclasses__()}
    assert set(StyleDistance.__subclasses__()) == {OfMoments, Sliced}


@each_distance
def test_is_zero_between_a_picture_and_itself_and_positive_to_another(distance):
    first, second = activations(0), activations(1)
    torch.testing.assert_close(between(distance, first, first), torch.zeros(2), rtol=0, atol=1e-6)
    assert (between(distance, first, second) > 0.01).all()


@each_distance
def test_places_may_be_in_any_order(distance):
    first, second = activations(0), activations(1)
    order = torch.randperm(48, generator=torch.Generator().manual_seed(2))
    moved = first.flatten(2)[:, :, order].view_as(first)
    torch.testing.assert_close(between(distance, moved, second), between(distance, first, second))


@each_distance
@pytest.mark.parametrize("change", [lambda x, by: x + by, lambda x, by: x * (1 + by)], ids=["mean", "deviation"])
def test_grows_as_style_moves_away(distance, change):
    picture = activations(0) + 3
    far = torch.stack([between(distance, change(picture, by), picture) for by in (0.0, 0.1, 0.3, 1.0)])
    assert (far.diff(dim=0) > 0).all()


@each_distance
def test_a_step_against_the_gradient_comes_nearer(distance):
    activation, style = activations(0).requires_grad_(), activations(1)
    before = between(distance, activation, style)
    slope = gradient(before, activation)
    step = 0.01 * activation.detach().norm() / slope.norm() * slope
    assert (between(distance, activation - step, style) < before).all()


@each_distance
@pytest.mark.parametrize("sides", [(8, 6), (1, 2)], ids=["silent channels", "fewer places than channels"])
@pytest.mark.parametrize("style", [activations(1), activations(1)[:, :, :1, :2], torch.full((2, 5, 4, 4), 0.5)])
def test_gradients_are_finite_where_a_covariance_is_singular(distance, sides, style):
    activation = activations(0, sides=sides)
    activation[:, :2] = 0
    activation.requires_grad_()
    assert gradient(between(distance, activation, style), activation).isfinite().all()
    itself = between(distance, activation, activation.detach())
    torch.testing.assert_close(itself, torch.zeros(2), rtol=0, atol=1e-6)
    torch.testing.assert_close(gradient(itself, activation), torch.zeros_like(activation), rtol=0, atol=1e-3)


@each_distance
def test_what_is_not_finite_shows_in_the_distance(distance):
    broken = activations(0)
    broken[0, 0, 0, 0] = torch.nan
    for sides in ((broken, activations(1)), (activations(1), broken)):
        assert between(distance, *sides).isnan().tolist() == [True, False]


@each_distance
def test_pictures_of_a_batch_do_not_meet(distance):
    first, second = activations(0, batch=3), activations(1, batch=3, sides=(7, 4))
    together = between(distance, first, second)
    alone = torch.cat([between(distance, first[i : i + 1], second[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone)
    assert together.dtype == torch.float32


@each_distance
def test_one_target_serves_a_batch(distance):
    first, second = activations(0, batch=3), activations(1, batch=1)
    torch.testing.assert_close(between(distance, first, second), between(distance, first, second.expand(3, -1, -1, -1)))


@each_distance
def test_a_region_counts_as_a_picture_of_its_own(distance):
    first, second = activations(0), activations(1)
    left, top = torch.zeros(2, 1, 8, 6), torch.zeros(2, 1, 8, 6)
    left[..., :2], top[:, :, :3] = 1, 1
    expected = between(distance, first[..., :2], second[:, :, :3])
    torch.testing.assert_close(between(distance, first, second, left, top), expected)


@each_distance
def test_each_picture_has_its_own_region(distance):
    first, second = activations(0), activations(1)
    weight = torch.ones(2, 1, 8, 6)
    weight[1, :, 2:] = 0
    expected = [between(distance, first[:1], second[:1]), between(distance, first[1:, :, :2], second[1:, :, :2])]
    torch.testing.assert_close(between(distance, first, second, weight, weight), torch.cat(expected))


@each_distance
def test_a_target_of_nothing_is_one_of_zeros(distance):
    activation = activations(0).requires_grad_()
    found = between(distance, activation, activations(1), style_weight=torch.zeros(2, 1, 8, 6))
    torch.testing.assert_close(found, between(distance, activation, torch.zeros(2, 5, 8, 6)))
    nothing = between(distance, activation, activations(1), weight=torch.zeros(2, 1, 8, 6))
    torch.testing.assert_close(gradient(nothing, activation), torch.zeros_like(activation))


@each_distance
@pytest.mark.parametrize("weight", [None, torch.rand(2, 1, 8, 6, generator=torch.Generator().manual_seed(3))])
def test_tiles_merge_to_the_whole(distance, weight):
    """Value and gradient, on both sides."""
    activation, style = activations(0).requires_grad_(), activations(1)

    def merged(picture):
        tiles = [slice(0, 1), slice(1, 4), slice(4, 6)]
        parts = [distance.describe(picture[..., x], None if weight is None else weight[..., x]) for x in tiles]
        return parts[0].merge(parts[1]).merge(parts[2])

    whole = between(distance, activation, style, weight, weight)
    torch.manual_seed(0)
    tiled = distance(merged(activation), distance.target(merged(style)))
    torch.testing.assert_close(tiled, whole)
    torch.testing.assert_close(gradient(tiled, activation), gradient(whole, activation), rtol=1e-4, atol=1e-6)


@each_distance
def test_autocast_changes_nothing(distance):
    first, second = activations(0), activations(1)
    expected = between(distance, first, second)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(between(distance, first, second), expected, rtol=0, atol=0)


@each_distance
def test_activations_of_low_precision_are_described_in_float32(distance):
    first, second = activations(0).bfloat16(), activations(1).bfloat16()
    expected = between(distance, first.float(), second.float())
    torch.testing.assert_close(between(distance, first, second), expected, rtol=0, atol=0)


@each_of_moments
def test_a_picture_repeated_has_the_same_style(distance):
    first, second = activations(0), activations(1)
    torch.testing.assert_close(between(distance, first.repeat(1, 1, 2, 3), second), between(distance, first, second))


def test_gram_by_its_sums():
    first, second = activations(0, batch=1, channels=3), activations(1, batch=1, channels=3, sides=(3, 3))
    expected = 0.0
    for i in range(3):
        for j in range(3):
            grams = [sum(a * b for a, b in zip(x[0, i].ravel(), x[0, j].ravel(), strict=True)) for x in (first, second)]
            expected += (grams[0] / 48 - grams[1] / 9) ** 2 / (4 * 3**2)
    torch.testing.assert_close(between(Gram(), first, second)[0], expected)


def test_means_and_deviations_by_numpy():
    first, second = activations(0), activations(1, sides=(3, 3))
    parts = []
    for statistic in (np.mean, np.std):
        parts.append(np.linalg.norm(statistic(first.numpy(), (2, 3)) - statistic(second.numpy(), (2, 3)), axis=1))
    torch.testing.assert_close(between(MeanDeviation(), first, second), torch.from_numpy(sum(parts)), rtol=1e-4, atol=0)


def test_wasserstein_to_itself_is_zero_despite_rounding():
    """Where few places, far from 0, leave most of 160 channels' directions without variance."""
    picture = activations(0, channels=160, sides=(5, 5)).relu() + 10
    variance = moments.diagonal(picture).variance().mean(1)
    found = between(Wasserstein(), picture, picture)
    torch.testing.assert_close(found / variance, torch.zeros(2), rtol=0, atol=1e-6)


def gaussian(activation):
    flat = activation[0].double().flatten(1).numpy()
    return flat.mean(1), np.cov(flat, bias=True)


def test_wasserstein_by_a_matrix_root():
    first, second = activations(0, batch=1), activations(1, batch=1, sides=(9, 9))
    (mean, covariance), (other_mean, other) = gaussian(first), gaussian(second)
    root = scipy.linalg.sqrtm(covariance @ other).real
    expected = (((mean - other_mean) ** 2).sum() + np.trace(covariance + other - 2 * root)) / 5
    found = between(Wasserstein(), first, second)
    torch.testing.assert_close(found, torch.tensor([expected], dtype=torch.float32), rtol=1e-3, atol=0)


def test_wassersteins_gradient_by_the_map_of_optimal_transport():
    """d/dΣ₁ = 1 - T, where T = Σ₂^½ (Σ₂^½ Σ₁ Σ₂^½)^-½ Σ₂^½ carries the first Gaussian to the second."""
    first, second = activations(0, batch=1), activations(1, batch=1, sides=(9, 9))
    distance = Wasserstein()
    description = distance.describe(first)
    covariance = description.covariance.requires_grad_()
    found = gradient(distance(description, distance.target(distance.describe(second))), covariance)
    root = scipy.linalg.sqrtm(gaussian(second)[1]).real
    transport = root @ np.linalg.inv(scipy.linalg.sqrtm(root @ gaussian(first)[1] @ root).real) @ root
    expected = torch.from_numpy(np.eye(5) - transport).float() / 5
    torch.testing.assert_close(found[0], expected, rtol=1e-3, atol=1e-3)


def test_wasserstein_of_one_channel_is_of_mean_and_deviation():
    first, second = activations(0, channels=1), activations(1, channels=1)
    apart = [
        statistic(first.numpy(), (1, 2, 3)) - statistic(second.numpy(), (1, 2, 3)) for statistic in (np.mean, np.std)
    ]
    expected = torch.from_numpy(apart[0] ** 2 + apart[1] ** 2)
    torch.testing.assert_close(between(Wasserstein(), first, second), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gram", Gram), ("moments", MeanDeviation), ("wasserstein", Wasserstein), ("sliced", Sliced)],
)
def test_configs(name, expected):
    node = OmegaConf.load(LOSSES / f"{name}.yaml")
    assert type(build(node.style_distance, "loss.style_distance")) is expected
