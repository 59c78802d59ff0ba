"""What held-out contents became, scored in a run and again from its checkpoints."""

import json
from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf, open_dict
from pytorch_lightning import LightningModule
from shrunk import Shrunk
from translating import Data, Lighter, PairedPixels, UnpairedPixels, coloured
from typer.testing import CliRunner

from atelier import checkpoints, run
from atelier.callbacks.choices import KINDS, refuse_misfit, scoring_of
from atelier.cli.main import app
from atelier.config import check
from atelier.data.types import Images
from atelier.errors import ConfigError, UserError
from atelier.metrics.fidelity import Fidelity
from atelier.metrics.scores.catalogue import Options
from atelier.metrics.scoring import Scores
from atelier.metrics.translation import TranslationScores
from atelier.record import table


@pytest.fixture(autouse=True)
def cache_of_one_test(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))


CONTENTS, STYLES, TARGETS = coloured(5, 0), coloured(12, 1), coloured(20, 2)
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


def unpaired(styles=STYLES):
    return Data(UnpairedPixels(CONTENTS, styles), TARGETS)


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


class Drawing(LightningModule):
    def sample(self, count, generator=None): ...

    def numbered(self, seed, numbers, truncation=None): ...


OF = {
    Scores: lambda: Scores(Shrunk(), ["fid"], 10),
    TranslationScores: lambda: TranslationScores(Shrunk(), ["fid"], None, Options()),
    Fidelity: lambda: Fidelity(None, None, None),
}
PAIRED = Data(PairedPixels(CONTENTS, CONTENTS), TARGETS)
PICTURES = SimpleNamespace(batch=Images)
GENERATORS = "are of generators, and this model is none"
DOMAINS = "are of translations into the domain of other pictures, and there are none here"
COMPARISONS = "compare translations with their targets, and there are none here"


@pytest.mark.parametrize(
    ("metrics", "task", "data", "message"),
    [
        (Scores, Lighter(), PAIRED, f"metrics: {GENERATORS}: metrics=fidelity or metrics=translation"),
        (Scores, Lighter(), unpaired(), f"metrics: {GENERATORS}: metrics=translation"),
        (Scores, LightningModule(), unpaired(), f"metrics: {GENERATORS}: metrics=none"),
        (Fidelity, Lighter(), unpaired(), f"metrics: {COMPARISONS}: metrics=translation"),
        (Fidelity, Drawing(), PICTURES, f"metrics: {COMPARISONS}: metrics=embedded"),
        (TranslationScores, Drawing(), PICTURES, f"metrics: {DOMAINS}: metrics=embedded"),
        (TranslationScores, LightningModule(), unpaired(), f"metrics: {DOMAINS}: metrics=none"),
    ],
)
def test_metrics_of_something_else_are_refused_with_those_that_fit(metrics, task, data, message):
    with pytest.raises(ConfigError) as refused:
        refuse_misfit(scoring_of(OF[metrics](), 0), task, data)
    assert refused.value.faults == [message]


@pytest.mark.parametrize(
    ("metrics", "task", "data"),
    [
        (Scores, Drawing(), PICTURES),
        (TranslationScores, Lighter(), unpaired()),
        (TranslationScores, Lighter(), PAIRED),
        (Fidelity, Lighter(), PAIRED),
    ],
)
def test_metrics_that_fit_are_not_refused(metrics, task, data):
    refuse_misfit(scoring_of(OF[metrics](), 0), task, data)


def test_every_option_that_is_named_is_there(composed):
    for kind in KINDS.values():
        cfg = composed(f"metrics={kind.option}")
        check(cfg, rehearsed=["metrics"])
    assert composed("metrics=translation").metrics.scores[0] == "kid"


ERRORS = {2: 9, 4: 3, 6: 5}
"""Levels that pictures are off by, at each validation: step 4 is the best."""


@pytest.fixture(scope="module")
def recipe(request):
    """The config of a small run whose task is made up, and whose contents are what it is to make."""
    from hydra import compose, initialize_config_dir

    def make(*overrides):
        with initialize_config_dir(str(request.config.rootpath / "conf"), version_base="1.3"):
            cfg = compose(
                "train",
                [
                    *("data=degraded", "degradation=none", "data.root.count=40", "data.image_size=16"),
                    *("data.batch_size=4", "callbacks=translation", "health=none", "trainer.accelerator=cpu"),
                    *("trainer.max_steps=6", "trainer.val_check_interval=2", "trainer.log_every_n_steps=2"),
                    *("trainer.limit_val_batches=1", "run_dir=unused", *overrides),
                ],
            )
        with open_dict(cfg):
            cfg.model = {"_target_": "translating.Drifting", "errors": {str(key): off for key, off in ERRORS.items()}}
        return cfg

    return make


@pytest.fixture(scope="module")
def runs(recipe, tmp_path_factory):
    """The folders of finished runs, by their metrics."""
    folders = {}
    for metrics in ("fidelity", "translation"):
        folders[metrics] = tmp_path_factory.mktemp(metrics)
        run.fit(recipe(f"metrics={metrics}"), folders[metrics], {})
    return folders


def evaluated(*words):
    result = CliRunner().invoke(app, ["evaluate", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


def test_the_best_checkpoint_is_that_of_the_smallest_error(runs):
    rows = [row for row in table.read(runs["fidelity"] / "metrics.csv") if "val/rmse" in row]
    assert [row["step"] for row in rows] == [2, 4, 6]
    for row in rows:  # at black and white there is no going on
        assert row["val/rmse"] == pytest.approx(ERRORS[row["step"]], rel=0.2)
    assert rows[1]["val/psnr"] == max(row["val/psnr"] for row in rows)
    assert checkpoints.read(runs["fidelity"] / "checkpoints" / "best.ckpt")["global_step"] == 4
    assert json.loads((runs["fidelity"] / "run.json").read_text())["monitor"] == "rmse"


@pytest.mark.parametrize("metrics", ["fidelity", "translation"])
@pytest.mark.parametrize("step", [4, 6])
def test_evaluation_gives_the_scores_of_training_and_their_card(metrics, step, runs):
    folder = runs[metrics]
    found = evaluated(folder, "--checkpoint", folder / "checkpoints" / {4: "previous.ckpt", 6: "last.ckpt"}[step])
    logged = next(row for row in table.read(folder / "metrics.csv") if row["step"] == step)
    assert found["scores"] == pytest.approx({name: logged[f"val/{name}"] for name in found["scores"]}, rel=1e-4)
    assert found["card"] == json.loads((folder / "run.json").read_text())["card"] | {"step": step}


def test_the_card_counts_all_that_are_held_out_whatever_validation_shows(runs):
    cards = {name: json.loads((folder / "run.json").read_text())["card"] for name, folder in runs.items()}
    count = cards["fidelity"]["pictures"]
    assert count == cards["translation"]["generated_images"] >= 3
    assert cards["translation"]["real_images"] + count == 40


def test_fewer_contents_can_be_asked_for(runs):
    assert evaluated(runs["fidelity"], "--count", 2)["card"]["pictures"] == 2
    assert evaluated(runs["translation"], "--count", 3)["card"]["generated_images"] == 3


def test_a_truncation_is_for_generators(runs):
    with pytest.raises(UserError, match="makes no images out of latents"):
        evaluated(runs["fidelity"], "--truncation", 0.5)


def test_a_grid_is_drawn_at_each_validation(runs):
    names = sorted(path.name for path in (runs["fidelity"] / "samples").iterdir())
    assert names == ["000002.png", "000004.png", "000006.png"]


def test_what_does_not_fit_is_refused_before_anything_is_written(recipe, tmp_path):
    with pytest.raises(ConfigError, match="metrics: are of generators, and this model is none: metrics=fidelity or"):
        run.fit(recipe("metrics=embedded"), tmp_path / "run", {})
    many = recipe("metrics=translation", "metrics.scores=[precision_recall]", "metrics.neighbours=30")
    with pytest.raises(UserError, match="metrics.scores: precision_recall needs 31 held-out contents or more"):
        run.fit(many, tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


def test_a_run_without_metrics_has_nothing_to_evaluate(runs, tmp_path):
    cfg = OmegaConf.load(runs["fidelity"] / "config.yaml")
    cfg.metrics = None
    (tmp_path / "checkpoints").mkdir()
    OmegaConf.save(cfg, tmp_path / "config.yaml")
    last = (runs["fidelity"] / "checkpoints" / "last.ckpt").read_bytes()
    (tmp_path / "checkpoints" / "last.ckpt").write_bytes(last)
    with pytest.raises(UserError, match="was made with metrics=none: there is nothing to evaluate"):
        evaluated(tmp_path)
