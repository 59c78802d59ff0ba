from fractions import Fraction
from math import comb

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import betabinom, binomtest

from atelier.data.painting import paint
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.memorisation import closeness, gap, nearest_views, verdict


def points(count, seed, size=4):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def measured(generated, training, held_out):
    """Both measures of features (N, D), as the pictures' only view."""
    training, held_out = training[:, None], held_out[:, None]
    distances, probes = (nearest_views(some, training)[0] for some in (generated, held_out[:, 0]))
    return closeness(distances, probes), gap(generated, training, held_out)


@pytest.fixture(scope="module")
def paintings():
    """Embedded features of 330 paintings."""
    extractor = EmbeddedExtractor()
    extractor.load(torch.device("cpu"))
    pixels = np.stack([paint(index, 16).pixels for index in range(330)])
    return extractor(torch.from_numpy(pixels).permute(0, 3, 1, 2)).pooled


def test_who_replays_training_pictures_is_found_out(paintings):
    close, apart = measured(paintings[:200:2], paintings[:200], paintings[200:250])
    assert close.share == 1
    assert close.chance < 1e-20
    assert apart.unseen == 0
    assert apart.deviations > 3
    # of a set of 50 out of 200 pictures, a quarter of the images finds itself, and the others do as always
    assert apart.share == pytest.approx(1 / 4, abs=0.12)
    assert verdict(close, apart).startswith("It copies: 100 of 100 images")


def test_who_paints_new_pictures_of_the_same_kind_is_acquitted(paintings):
    """Whichever of the paintings are taken for training, for held out, and for the generator's."""
    shuffle = torch.Generator().manual_seed(0)
    found = [measured(*paintings[torch.randperm(330, generator=shuffle)].split([80, 200, 50])) for _ in range(50)]
    assert np.mean([close.share for close, _ in found]) == pytest.approx(1 / 51, abs=0.01)
    assert np.mean([apart.share for _, apart in found]) == pytest.approx(0, abs=0.04)
    assert np.mean([apart.unseen for _, apart in found]) == pytest.approx(1 / 5, abs=0.02)
    assert all(verdict(*each).startswith("No sign of copying") for each in found)


def test_a_few_copies_among_many_new_images_are_found_out():
    training = points(2000, 0)
    generated = torch.cat([training[:40], points(960, 1)])
    close, apart = measured(generated, training, points(400, 2))
    assert 40 <= close.close < 70
    assert close.chance < 0.001
    assert verdict(close, apart).startswith("Suspicious")


def test_images_close_to_everything_are_not_called_copies():
    """All in the middle of the crowd, where new pictures seldom are, and near to old ones and new ones alike."""
    close, apart = measured(points(300, 1) / 10, points(2000, 0), points(400, 2))
    assert close.share > 0.02
    assert abs(apart.deviations) < 3
    assert "plainest kind" in verdict(close, apart)


def test_noise_resembles_nothing_that_it_could_copy():
    close, apart = measured(20 + points(50, 1), points(200, 0), points(50, 2))
    assert close.close == 0
    assert verdict(close, apart).startswith("Nothing to copy yet: images are")


def test_new_images_are_flagged_as_seldom_as_chance_has_it():
    """Over many draws: 1 % of the images on the average, and no probability below 5 % much more often than in 5 %."""
    found = [closeness(points(200, 2 * i, 1).abs()[:, 0], points(100, 2 * i + 1, 1).abs()[:, 0]) for i in range(300)]
    assert np.mean([each.share for each in found]) == pytest.approx(1 / 101, abs=0.002)
    unlikely = sum(each.chance < 0.05 for each in found)
    assert binomtest(unlikely, len(found), 0.05, alternative="greater").pvalue > 0.001
    assert unlikely > 0


@pytest.mark.parametrize(("images", "probes", "rank"), [(50, 40, 1), (1000, 410, 4), (7, 2000, 20)])
def test_the_probability_is_the_beta_binomials(images, probes, rank):
    held_out = torch.arange(1, probes + 1).float()
    for close in (0, 1, images // 3, images):
        generated = torch.full((images,), 1e6)
        generated[:close] = 0
        found = closeness(generated, held_out)
        assert (found.rank, found.threshold, found.close) == (rank, rank, close)
        orders = [
            comb(i + rank - 1, i) * comb(images - i + probes - rank, images - i) for i in range(close, images + 1)
        ]
        assert found.chance == pytest.approx(float(Fraction(sum(orders), comb(images + probes, images))), rel=1e-8)
        assert found.expected == pytest.approx(betabinom(images, rank, probes + 1 - rank).mean())


def test_new_images_leave_no_gap_and_their_deviations_are_of_standard_size():
    found = [gap(points(50, 3 * i), points(90, 3 * i + 1)[:, None], points(30, 3 * i + 2)[:, None]) for i in range(200)]
    assert np.mean([each.share for each in found]) == pytest.approx(0, abs=0.01)
    assert np.mean([each.unseen for each in found]) == pytest.approx(1 / 4, abs=0.02)
    deviations = [each.deviations for each in found]
    assert np.mean(deviations) == pytest.approx(0, abs=4 / 200**0.5)
    assert np.std(deviations) == pytest.approx(1, abs=0.2)


def test_distances_are_to_sets_of_one_size():
    generated, training, held_out = points(30, 0), points(200, 1), points(20, 2)
    found = gap(generated, training[:, None], held_out[:, None])
    assert found.held_out == pytest.approx(cdist(generated, held_out).min(1).mean(), rel=1e-5)
    # nearer than any part is the whole, which is no fair comparison
    assert cdist(generated, training).min(1).mean() < 0.8 * found.training
    assert found.training == pytest.approx(found.held_out, rel=0.2)
    assert found.unseen == np.mean(cdist(generated, held_out).min(1) < cdist(generated, training).min(1))


def test_training_and_held_out_exchanged_turn_the_gap_round():
    some, others = points(300, 1)[:, None], points(300, 2)[:, None]
    generated = torch.cat([points(100, 0), some[:, 0]])
    there, back = gap(generated, some, others), gap(generated, others, some)
    assert there.deviations == pytest.approx(-back.deviations)
    assert there.deviations > 3
    assert (there.training, there.held_out) == pytest.approx((back.held_out, back.training))


def test_images_that_are_all_the_same_have_no_scale_of_chance():
    assert gap(points(20, 0), points(1, 1)[:, None], points(1, 1)[:, None]).share == 0


def test_any_view_of_a_picture_may_be_the_nearest():
    pictures = torch.stack([torch.zeros(5, 2), torch.arange(10.0).reshape(5, 2)], 1)
    distances, numbers, views = nearest_views(torch.tensor([[4.0, 5.0], [-1.0, 0.0]]), pictures)
    torch.testing.assert_close(distances, torch.tensor([0.0, 1.0]))
    assert (numbers[0], views.tolist()) == (2, [1, 0])


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ValueError, match="training and held_out must not be empty, got 9 and 0"):
        gap(torch.zeros(2, 4), torch.zeros(9, 1, 4), torch.zeros(0, 1, 4))
