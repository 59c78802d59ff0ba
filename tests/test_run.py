"""A run, its folder, and what can be done with it afterwards; all in this process."""

import json
import re
import shutil

import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from resuming import resumed
from typer.testing import CliRunner

from atelier import checkpoints, run, run_folder
from atelier.auto_resume import going_on
from atelier.cli.main import app
from atelier.cli.trained import Trained
from atelier.errors import UserError
from atelier.locks import occupied
from atelier.record.summary import describe

SCORED = ["metrics=embedded", "metrics.count=20", "metrics.splits=2"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, request):
    """The folder of a small run with scores."""
    from hydra import compose, initialize_config_dir

    from atelier.run import fit

    folder = tmp_path_factory.mktemp("run")
    conf = request.config.rootpath / "conf"
    with initialize_config_dir(str(conf), version_base="1.3"):
        cfg = compose(
            "train",
            [
                *("data.image_size=16", "data.count=40", "data.batch_size=4", "model.generator.width=4"),
                *("model.discriminator.width=4", "trainer.max_steps=6", "trainer.val_check_interval=4"),
                *("trainer.log_every_n_steps=2", "callbacks.samples.count=4", "trainer.accelerator=cpu"),
                *("run_dir=unused", *SCORED),
            ],
        )
    fit(cfg, folder, {"model": "dcgan", "hydra/launcher": "basic"})
    return folder


def atelier(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(folder):
    header, *lines = (line.split(",") for line in (folder / "metrics.csv").read_text().splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_the_folder_tells_what_ran_and_how_it_ended(finished):
    record = json.loads((finished / "run.json").read_text())
    expected = {"status": "finished", "choices": {"model": "dcgan"}, "seed": 0, "steps": 6, "resumed": []}
    assert expected.items() <= record.items()
    card = {"extractor": "embedded", "generated_images": 20, "real_split": "train", "average": True, "seed": 0}
    assert card.items() <= record["card"].items()
    assert "${" not in (finished / "config.yaml").read_text()
    assert "${data.image_size}" in (finished / "recipe.yaml").read_text()


def test_the_last_step_is_validated_though_the_interval_does_not_divide_it(finished):
    assert [(row["step"], row["images_seen"]) for row in rows(finished)] == [("2", "8"), ("4", "16"), ("6", "24")]
    scored = [row["step"] for row in rows(finished) if row["val/embedded_frechet_distance"]]
    assert scored == ["4", "6"]
    assert sorted(path.stem for path in (finished / "samples").iterdir()) == ["000000", "000004", "000006"]


def test_the_best_checkpoint_is_of_the_lowest_score(finished):
    scores = {row["step"]: float(row["val/embedded_frechet_distance"] or "inf") for row in rows(finished)}
    best = checkpoints.read(finished / "checkpoints" / "best.ckpt")
    assert str(best["global_step"]) == min(scores, key=scores.get)


def test_the_trained_task_comes_back(finished):
    task, cfg, content = run.load(finished, finished / "checkpoints" / "last.ckpt")
    assert content["global_step"] == 6
    assert cfg.data.image_size == 16
    assert not task.training
    first, again = (task.sample(3, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)


def test_samples_are_files_that_can_be_made_again(finished, tmp_path):
    for out, count in (("a", 3), ("b", 2)):
        result = atelier("sample", finished, "--count", count, "--seed", 7, "--out", tmp_path / out)
        assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["00000.png", "00001.png", "00002.png"]
    assert Image.open(tmp_path / "a.png").size == (2 * 18 + 2, 2 * 18 + 2)  # nothing but images in their folder
    for name in ("00000.png", "00001.png"):
        first, second = (Image.open(tmp_path / folder / name) for folder in "ab")
        assert first.size == (16, 16)
        assert first.tobytes() == second.tobytes()
        assert (first.text["seed"], first.text["index"]) == ("7", str(int(name[:5])))


def test_evaluation_gives_the_scores_of_training_and_their_card(finished):
    last = finished / "checkpoints" / "last.ckpt"
    found = json.loads(atelier("evaluate", finished, "--checkpoint", last, "--json").stdout)
    logged = float(rows(finished)[-1]["val/embedded_frechet_distance"])
    assert found["scores"]["embedded_frechet_distance"] == pytest.approx(logged, rel=1e-4)
    card = {"extractor": "embedded", "step": 6, "average": True, "generated_images": 20}
    assert card.items() <= found["card"].items()


def test_people_see_the_scores_and_how_they_were_made(finished):
    told = atelier("evaluate", finished).stdout
    assert re.search(r"embedded_frechet_distance +\d", told)
    assert "extractor embedded" in told
    assert "generated images 20" in told


def test_a_truncation_that_means_nothing_is_refused_before_anything_is_scored(finished):
    with pytest.raises(UserError, match="--truncation: must be > 0, got -1.0"):
        atelier("evaluate", finished, "--truncation", -1)


def test_the_record_says_how_the_scores_are_made_and_which_chose_the_best(finished):
    record = json.loads((finished / "run.json").read_text())
    assert record["monitor"] == "embedded_frechet_distance"
    assert (record["card"]["generated_images"], record["card"]["truncation"]) == (20, None)


def test_fewer_images_can_be_asked_for(finished):
    found = json.loads(atelier("evaluate", finished, "--count", 5, "--json").stdout)
    assert found["card"]["generated_images"] == 5


def test_scores_against_pictures_that_have_changed_are_refused(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"data": "0123"}))
    with pytest.raises(UserError, match=f"^data: these are no longer the pictures that {run} was trained on; atelier "):
        atelier("evaluate", run)
    del record["data"]  # as of runs that were made before it was noted
    (run / "run.json").write_text(json.dumps(record))
    assert json.loads(atelier("evaluate", run, "--json").stdout)["card"]["generated_images"] == 20


def test_too_few_images_are_told_by_the_option_and_fewer_splits_too(finished, tmp_path, caplog):
    run = shutil.copytree(finished, tmp_path / "run")
    cfg = OmegaConf.load(run / "config.yaml")
    cfg.metrics.scores, cfg.metrics.splits = ["kid", "is", "precision_recall"], 10
    OmegaConf.save(cfg, run / "config.yaml")
    with pytest.raises(UserError, match="^--count: must be >= 6 for precision_recall, got 3$"):
        atelier("evaluate", run, "--count", 3)
    assert caplog.text == ""
    assert json.loads(atelier("evaluate", run, "--count", 6, "--json").stdout)["card"]["class_score_splits"] == 6
    assert "too few images: 6 splits instead of 10 (is)" in caplog.text


def test_caches_are_listed_and_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))
    kept, gone = tmp_path / "pixels" / "a", tmp_path / "statistics" / "b"
    for path in (kept, gone):
        path.parent.mkdir()
        path.write_bytes(bytes(1000))
    listed = atelier("cache", "list").stdout
    assert "statistics" in listed
    assert "2.0 kB" in listed
    with pytest.raises(UserError, match="no cache of kind 'pixel'; there are pixels, statistics; did you"):
        atelier("cache", "clear", "pixel")
    assert atelier("cache", "clear", "statistics", "--yes").exit_code == 0
    assert kept.exists()
    assert not gone.exists()


def test_what_is_no_run_folder_is_refused(tmp_path):
    for command in ("sample", "evaluate"):
        with pytest.raises(UserError, match=f"{tmp_path} is no run folder"):
            atelier(command, tmp_path)


def test_a_run_is_not_overwritten(finished, small_config):
    before = (finished / "recipe.yaml").read_bytes()
    with pytest.raises(UserError, match=f"run_dir: .* holds a run already; resume={finished}"):
        run.fit(small_config(), finished, {})
    assert (finished / "recipe.yaml").read_bytes() == before


@pytest.mark.parametrize(("name", "goes_on"), [("last", True), ("previous", True), ("best", True), ("healthy", False)])
def test_a_run_goes_on_by_itself_from_what_resuming_looks_for(name, goes_on, small_config, tmp_path):
    """Not from the state that health keeps, which may be all that there is after a kill at the first validation."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / f"{name}.ckpt").touch()
    (tmp_path / "recipe.yaml").write_text("resume: null\nrun_dir: null\ntrainer: {devices: 1}\n")
    assert run_folder.has_checkpoint(tmp_path) == goes_on
    assert going_on(small_config("resume=auto"), tmp_path, []).resume == (str(tmp_path) if goes_on else None)
    if not goes_on:
        with pytest.raises(UserError, match="has no checkpoint yet"):
            checkpoints.find(tmp_path)


def test_a_run_that_another_process_trains_is_left_to_it(small_config, tmp_path):
    told = f"^run_dir: another process trains in {tmp_path}; wait until it has ended, or name another folder$"
    with occupied(tmp_path, ""), pytest.raises(UserError, match=told):
        run.fit(small_config(), tmp_path, {})
    assert not [*tmp_path.iterdir()]
    run.fit(small_config("trainer.max_steps=2"), tmp_path, {})


def test_a_refused_resume_leaves_the_run_as_it_was(small_config, tmp_path):
    run.fit(small_config(), tmp_path, {"model": "dcgan"})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="of another model than the config's"):
        run.fit(resumed(tmp_path, model__generator__width=8), tmp_path, {})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_that_goes_on_remembers_what_it_is_made_of(small_config, tmp_path):
    run.fit(small_config(), tmp_path, {"model": "dcgan"})
    run.fit(resumed(tmp_path, trainer__max_steps=10), tmp_path, {"hydra/launcher": "basic"})
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["choices"] == {"model": "dcgan"}
    assert (record["resumed"], record["steps"]) == ([8], 10)
    assert OmegaConf.load(tmp_path / "recipe.yaml").trainer.max_steps == 10


def test_one_can_go_on_from_the_previous_checkpoint_where_the_last_is_damaged(small_config, tmp_path):
    run.fit(small_config(), tmp_path, {})
    last, previous = (tmp_path / "checkpoints" / name for name in ("last.ckpt", "previous.ckpt"))
    last.unlink()
    last.write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"last.ckpt cannot be read.*previous.ckpt"):
        run.fit(resumed(tmp_path), tmp_path, {})
    cfg = resumed(tmp_path)
    cfg.resume = str(previous)
    run.fit(cfg, tmp_path, {})
    assert checkpoints.read(last)["global_step"] == 8
    assert checkpoints.read(previous)["global_step"] == 4


def test_absence_is_null(small_config, tmp_path):
    run.fit(small_config("callbacks.progress=null", "callbacks.samples=null"), tmp_path, {})
    assert not (tmp_path / "samples").exists()


@pytest.mark.parametrize("options", [["model.clip_norm=1.0"], ["model=wgan_gp"], ["loss=hinge", "schedule=cosine"]])
def test_mixed_precision_trains(options, small_config, tmp_path):
    run.fit(small_config("trainer.precision=bf16-mixed", *options), tmp_path, {})
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "finished"


def test_a_run_of_points_offers_no_pictures(composed, tmp_path):
    small = ("experiment=grid", "trainer.max_steps=2", "trainer.val_check_interval=2", "data.count=1000")
    run.fit(composed(*small, "trainer.accelerator=cpu"), tmp_path, {})
    assert "atelier sample" not in describe(tmp_path).plain
    with pytest.raises(UserError, match="draws points, no pictures"):
        Trained(tmp_path)


def test_going_on_from_an_earlier_step_forgets_the_pictures_of_later_ones(small_config, tmp_path):
    run.fit(small_config(), tmp_path, {})
    cfg = resumed(tmp_path, resume=str(tmp_path / "checkpoints" / "previous.ckpt"), trainer__max_steps=6)
    (tmp_path / "samples" / "1-mine.png").touch()
    run.fit(cfg, tmp_path, {})
    names = sorted(picture.name for picture in (tmp_path / "samples").iterdir())
    assert names == ["000000.png", "000004.png", "000006.png", "1-mine.png"]
