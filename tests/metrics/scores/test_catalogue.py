import pytest
from shrunk import Shrunk, pictures, scored

from atelier.metrics.extractors.base import Features
from atelier.metrics.scores.catalogue import SCORES, Options
from atelier.metrics.scoring import Scores


class Classless(Shrunk):
    classes = None

    def extract(self, images):
        return Features(images.flatten(1) / 255, None)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (["fid", "kit"], r"scores must be among .*, got 'kit'; did you mean 'kid'\?"),
        ([], "scores must be among .*, got none; metrics=none is without"),
        (["fid", "fid"], "scores must be different ones"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(scores, message):
    with pytest.raises(ValueError, match=message):
        Scores(Shrunk(), scores, 100)


@pytest.mark.parametrize(
    ("count", "options", "message"),
    [
        (2, {}, "count must be >= 3 for kid, got 2"),
        (9, {}, "count must be >= 10 for is, got 9"),
        (100, {"neighbours": 100}, "count must be >= 101 for precision_recall, got 100"),
        (100, {"splits": 0}, "splits must be >= 1, got 0"),
        (100, {"neighbours": 0}, "neighbours must be >= 1, got 0"),
        (100, {"resamples": 10}, "resamples must be >= 40, got 10"),
    ],
)
def test_numbers_out_of_range_are_refused(count, options, message):
    with pytest.raises(ValueError, match=message):
        Scores(Shrunk(), ["fid", "kid", "is", "precision_recall", "fid_interval"], count, Options(**options))


def test_a_network_without_classes_has_no_class_score():
    with pytest.raises(ValueError, match="scores must not have 'is' with shrunk, which knows no classes"):
        Scores(Classless(), ["fid", "is"], 100)
    assert set(scored(pictures(50, 0), pictures(50, 1), ["fid", "kid"], extractor=Classless())) == {
        "shrunk_frechet_distance", "shrunk_kernel_distance", "shrunk_kernel_distance_error",
    }  # fmt: skip


def test_all_that_can_be_asked_for_says_what_it_is_called():
    for name, make in SCORES.items():
        score = make(Options(2, 5, 40))
        assert score.literature, name
