"""What held-out contents became, scored."""

from types import SimpleNamespace

import pytest
import torch
from shrunk import Shrunk
from translating import CONTENTS, STYLES, TARGETS, Data, Lighter, PairedPixels, UnpairedPixels, unpaired

from atelier.callbacks.choices import scoring_of
from atelier.errors import UserError
from atelier.metrics.fidelity import Fidelity
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores
from atelier.metrics.translation import TranslationScores


@pytest.fixture(autouse=True)
def cache_of_one_test(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))


CPU = torch.device("cpu")


def translating(data, scores=("kid", "fid"), most=None):
    scoring = scoring_of(TranslationScores(Shrunk(), scores, most, Options(splits=2)), 0)
    scoring.refuse_unfit(data)
    scoring.prepare(data, CPU)
    return scoring


def faithful(data, most=None):
    scoring = scoring_of(Fidelity(None, None, most), 0)
    scoring.refuse_unfit(data)
    scoring.prepare(data, CPU)
    return scoring


def shades(task):
    """The mean of each picture that the task was given, in the order in which it was."""
    return [float(content.mean()) for batch in task.given for content in batch.content]


def expected_shades(pictures):
    return [float((picture.float() / 127.5 - 1).mean()) for picture in pictures]


@pytest.mark.parametrize("styles", [12, 2])
def test_translations_have_the_scores_of_the_pictures_themselves(styles):
    found = translating(unpaired(STYLES[:styles])).measure(Lighter())

    by_hand = Scores(Shrunk(), ["kid", "fid"], 5)
    by_hand.prepare(unpaired().targets, CPU)
    lighter = (CONTENTS.int() + 10).clamp(max=255).byte()
    by_hand.update(lighter, torch.arange(5))
    assert found == pytest.approx(by_hand.compute(), rel=1e-9)
    assert [*found] == ["shrunk_kernel_distance", "shrunk_kernel_distance_error", "shrunk_frechet_distance"]


@pytest.mark.parametrize("styles", [12, 5, 2])
def test_each_content_is_translated_once_however_many_styles_there_are(styles):
    task, scoring = Lighter(), translating(unpaired(STYLES[:styles]))
    scoring.measure(task)
    assert shades(task) == pytest.approx(expected_shades(CONTENTS))
    assert scoring.card()["generated_images"] == 5


def test_processes_share_the_contents():
    scoring = translating(unpaired())
    tasks = Lighter(), Lighter()
    for rank, task in enumerate(tasks):
        scoring.metrics.update = lambda images, numbers: None  # two processes, whose scores would be put together
        scoring.metrics.compute = dict
        scoring.measure(task, rank, 2)
    assert shades(tasks[0]) == pytest.approx(expected_shades(CONTENTS[[0, 2, 4]]))
    assert shades(tasks[1]) == pytest.approx(expected_shades(CONTENTS[[1, 3]]))


def test_no_more_contents_are_scored_than_were_asked_for():
    task, scoring = Lighter(), translating(unpaired(), most=3)
    scoring.measure(task)
    assert shades(task) == pytest.approx(expected_shades(CONTENTS[:3]))
    assert (scoring.count, scoring.card()["generated_images"]) == (3, 3)


def test_kid_chooses_the_best_checkpoint_where_it_comes_first():
    assert translating(unpaired()).monitor == "shrunk_kernel_distance"
    assert translating(unpaired(), ["fid", "kid"]).monitor == "shrunk_frechet_distance"


@pytest.mark.parametrize(
    ("scores", "contents", "message"),
    [
        (["fid", "kid"], 2, r"metrics.scores: kid needs 3 held-out contents or more, got 2; leave it out, or hold out"),
        (["precision_recall"], 5, "metrics.scores: precision_recall needs 6 held-out contents or more, got 5"),
    ],
)
def test_too_few_contents_for_a_score_are_told_before_anything_is_measured(scores, contents, message):
    data, extractor = Data(UnpairedPixels(CONTENTS[:contents], STYLES), TARGETS), Shrunk()
    scoring = scoring_of(TranslationScores(extractor, scores, None, Options()), 0)
    with pytest.raises(UserError, match=message) as refused:
        scoring.refuse_unfit(data)
    assert "\n" not in str(refused.value)
    assert extractor.calls == 0


def test_too_few_pictures_of_the_target_domain_are_told():
    scoring = scoring_of(TranslationScores(Shrunk(), ["kid"], None, Options()), 0)
    with pytest.raises(UserError, match="kid needs 3 real images or more, got 2"):
        scoring.refuse_unfit(Data(UnpairedPixels(CONTENTS, STYLES), TARGETS[:2]))


def test_translations_have_no_classes():
    with pytest.raises(ValueError, match="scores must not have 'intra_fid' of translations, which have no classes"):
        TranslationScores(Shrunk(), ["fid", "intra_fid"], None, Options())


def test_pictures_are_compared_with_their_targets_and_so_are_the_contents():
    """Targets are the contents' enlargement, but for 4 levels: the task, which adds 10, is off by 6."""
    levels = torch.tensor([50, 90, 130], dtype=torch.uint8).view(3, 1, 1, 1)
    small, large = (levels.expand(3, 3, side, side).contiguous() for side in (8, 16))
    scoring = faithful(Data(PairedPixels(small, large + 4), TARGETS))
    found = scoring.measure(Lighter(scale=2))
    assert (found["rmse"], found["input_rmse"]) == pytest.approx((6, 4))
    assert found["psnr"] == pytest.approx(float(20 * torch.tensor(255 / 6).log10()), rel=1e-6)
    assert found["input_psnr"] == pytest.approx(float(20 * torch.tensor(255 / 4).log10()), rel=1e-6)
    assert (scoring.monitor, scoring.card()["pictures"], scoring.card()["data"]) == ("rmse", 3, "these")


def test_each_pair_is_compared_once_and_at_most_so_many():
    for most, count in ((None, 5), (3, 3), (9, 5)):
        task = Lighter()
        scoring = faithful(Data(PairedPixels(CONTENTS, CONTENTS), TARGETS), most)
        scoring.measure(task)
        assert shades(task) == pytest.approx(expected_shades(CONTENTS[:count]))
        assert scoring.count == count


def test_scores_are_logged_at_every_validation():
    class Logging(Lighter):
        def log_dict(self, values):
            self.logged = values

    task, scoring = Logging(), faithful(Data(PairedPixels(CONTENTS, CONTENTS), TARGETS))
    scoring.on_validation_epoch_end(SimpleNamespace(global_rank=0, world_size=1), task)
    assert task.logged.keys() >= {"val/rmse", "val/psnr", "val/ssim", "val/input_psnr", "val/input_ssim"}
    assert task.logged["val/psnr"] == pytest.approx(scoring.measure(task)["psnr"])
