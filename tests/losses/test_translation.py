import math

import pytest
import torch
from torch.nn.functional import normalize

from atelier.losses import translation as losses
from atelier.losses.content import ContentDistance
from atelier.losses.translation import Translation, patch_nce


def images(value):
    return torch.full((2, 3, 4, 4), float(value))


def record(**parts):
    return Translation(**{"content": images(0.1), "target": images(0.5), "translated": images(0.2), **parts})


@pytest.mark.parametrize(
    ("term", "parts", "expected"),
    [
        (losses.Adversarial(2.0), {"adversarial": torch.tensor(0.7)}, 1.4),
        (losses.Cycle(10.0), {"back": images(0.4)}, 3.0),
        (losses.Identity(5.0), {"same": images(0.7)}, 1.0),
        (losses.Reconstruction(100.0), {}, 30.0),
        (losses.Reconstruction(1.0, epsilon=0.4), {}, 0.5),  # 3, 4, 5
    ],
)
def test_terms_are_weighted_mean_absolute_differences(term, parts, expected):
    assert term(record(**parts), update=1).item() == pytest.approx(expected, rel=1e-5)


def test_rounded_differences_have_a_gradient_where_nothing_differs():
    translated = images(0.5).requires_grad_()
    losses.Reconstruction(1.0, epsilon=1e-3)(record(translated=translated), update=1).backward()
    assert translated.grad.isfinite().all()


def test_the_perceptual_term_weighs_its_taps_over_the_targets_size():
    wanted = {"a": torch.full((2, 1, 2, 2), 2.0), "b": torch.full((2, 1, 2, 2), 4.0)}
    got = {"a": torch.full((2, 1, 2, 2), 3.0), "b": torch.full((2, 1, 2, 2), 2.0)}
    term = losses.Perceptual(0.5, ContentDistance(), {"a": 1.0, "b": 2.0})
    assert term(record(activations=(got, wanted)), update=1).item() == pytest.approx(0.5 * (1 / 4 + 2 * 4 / 16))


def vectors(seed, patches=5):
    return normalize(torch.randn(2, patches, 8, generator=torch.Generator().manual_seed(seed)), dim=2)


def test_patch_nce_is_the_papers_formula_written_out():
    query, key, temperature = vectors(0), vectors(1), 0.07
    expected = []
    for v, ks in zip(query, key, strict=True):
        for place in range(5):
            similar = [math.exp(float(v[place] @ k) / temperature) for k in ks]
            expected.append(-math.log(similar[place] / sum(similar)))
    assert patch_nce(query, key, temperature).item() == pytest.approx(sum(expected) / len(expected), rel=1e-4)


def test_patch_nce_is_small_for_the_same_patches_and_grows_when_they_are_exchanged():
    key = vectors(0)
    right, wrong = patch_nce(key, key, 0.07), patch_nce(key.flip(1), key, 0.07)
    assert right < 0.1 < math.log(5) < wrong
    assert patch_nce(torch.ones(1, 5, 8), torch.ones(1, 5, 8), 0.07).item() == pytest.approx(math.log(5))


def test_contrastive_terms_are_means_over_taps_of_their_own_patches():
    right, wrong = (vectors(0), vectors(0)), (vectors(0).flip(1), vectors(0))
    parts = record(patches=[right, wrong], same_patches=[right])
    low, high = (patch_nce(*pair, 0.07).item() for pair in (right, wrong))
    assert losses.Contrastive(2.0)(parts, update=1).item() == pytest.approx(low + high)
    assert losses.IdentityContrastive(1.0)(parts, update=1).item() == pytest.approx(low)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Cycle(-1.0), "weight must be >= 0, got -1.0"),
        (lambda: losses.Reconstruction(1.0, epsilon=-1.0), "epsilon must be >= 0, got -1.0"),
        (lambda: losses.Contrastive(1.0, temperature=0.0), "temperature must be > 0, got 0.0"),
        (lambda: losses.Perceptual(1.0, ContentDistance(), {}), "taps must be at least one, got none"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
