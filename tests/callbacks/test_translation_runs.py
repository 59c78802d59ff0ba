"""What held-out contents became, scored in a run and again from its checkpoints."""

import json
import shutil

import pytest
from omegaconf import OmegaConf, open_dict
from typer.testing import CliRunner

from atelier import checkpoints, run
from atelier.cli.main import app
from atelier.errors import ConfigError, UserError
from atelier.record import table


@pytest.fixture(autouse=True)
def cache_of_one_test(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))


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
    result = CliRunner().invoke(app, ["evaluate", "--json", *map(str, words)])
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


def test_pictures_that_have_changed_are_refused(runs, tmp_path):
    for name in runs:
        folder = shutil.copytree(runs[name], tmp_path / name)
        record = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(record | {"data": "0123"}))
        with pytest.raises(UserError, match="no longer the pictures .*; atelier score --real FOLDER --fake …"):
            evaluated(folder)


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
