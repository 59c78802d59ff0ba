"""Of a run on 300 paintings: 240 or so for training, to which other generators are given."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from atelier.cli.audit import SHOWN, audit
from atelier.cli.audited_features import Comparison
from atelier.data.painting import paint
from atelier.errors import UserError
from atelier.record.grids import GUTTER, save_png


def audited(run, capsys, count=80):
    audit(run, count, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((run / "audit" / f"step-40-count-{count}" / "report.json").read_text())
    return report


@pytest.fixture
def generator(monkeypatch):
    """Puts a function of image numbers in the generator's place."""

    def put(draw):
        monkeypatch.setattr(Comparison, "draw", draw)

    return put


def replay(comparison, numbers):
    return torch.cat([comparison.data.train_pixels.images(number, number + 1) for number in numbers])


@pytest.mark.parametrize("mirrored", [False, True])
def test_who_replays_training_pictures_is_caught_mirrored_or_not(mirrored, plain, generator, capsys):
    generator(
        lambda comparison, numbers: replay(comparison, numbers).flip(3) if mirrored else replay(comparison, numbers)
    )
    report = audited(plain, capsys)
    assert report["verdict"].startswith("It copies: 80 of 80 images")
    assert report["closeness"]["share"] == 1
    assert report["gap"]["unseen"] == 0
    assert report["gap"]["share"] > 0.05
    assert [pair["distance"] for pair in report["closest"]] == pytest.approx([0] * SHOWN, abs=1e-3)
    tiles = np.asarray(Image.open(plain / "audit" / "step-40-count-80" / "closest.png"))[GUTTER:, GUTTER:]
    generated, training, held_out = tiles.reshape(3, 16 + GUTTER, SHOWN, 16 + GUTTER, 3)[:, :16, :, :16]
    np.testing.assert_array_equal(generated, training)
    assert (generated != held_out).any((0, 2, 3)).all()


def test_mirror_images_are_no_copies_where_training_does_not_mirror(make_run, generator, tmp_path, capsys):
    run = make_run(tmp_path, "data.hflip=false")
    generator(lambda comparison, numbers: replay(comparison, numbers).flip(3))
    report = audited(run, capsys)
    assert report["closeness"]["share"] < 0.5
    assert report["card"]["mirrored"] is False


def test_who_paints_new_pictures_is_acquitted(plain, generator, capsys):
    def new(_, numbers):
        pixels = np.stack([paint(1000 + number, 16).pixels for number in numbers])
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)

    generator(new)
    report = audited(plain, capsys)
    assert report["verdict"].startswith("No sign of copying")
    assert report["closeness"]["chance"] > 0.001
    assert abs(report["gap"]["deviations"]) < 3
    assert report["gap"]["unseen"] == pytest.approx(report["gap"]["expected"], abs=0.12)


def test_images_are_those_of_sample_and_the_card_says_what_was_compared(plain, capsys):
    report = audited(plain, capsys, count=10)
    assert sorted(pair["image"] for pair in report["closest"]) == [*range(10)]
    for pair in report["closest"]:
        assert re.fullmatch(r"number \d+ of the pictures of procedural", pair["origin"])
    card = {"extractor": "embedded", "resize": "antialias", "mirrored": True, "step": 40, "seed": 0}
    assert card.items() <= report["card"].items()
    assert report["card"]["training_pictures"] + report["card"]["held_out_pictures"] == 300
    assert report["closeness"]["images"] == 10


def test_reports_of_other_images_lie_elsewhere(plain, tmp_path, monkeypatch):
    run = shutil.copytree(plain, tmp_path / "run", ignore=shutil.ignore_patterns("audit"))
    content = torch.load(run / "checkpoints" / "last.ckpt")
    torch.save({**content, "global_step": 20}, run / "checkpoints" / "early.ckpt")
    monkeypatch.setattr(sys.modules[audit.__module__], "COUNT", 4)
    for options in ({}, {"seed": 3}, {"count": 5, "seed": 3}, {"checkpoint": run / "checkpoints" / "early.ckpt"}):
        audit(run, **{"count": 4, **options})
    folders = {path.name: path for path in (run / "audit").iterdir()}
    assert sorted(folders) == ["step-20", "step-40", "step-40-count-5-seed-3", "step-40-seed-3"]
    for name, folder in folders.items():
        report = json.loads((folder / "report.json").read_text())
        assert (report["card"]["seed"], report["card"]["step"]) == (3 * ("seed" in name), 20 if "20" in name else 40)
        assert sorted(path.name for path in folder.iterdir()) == ["closest.png", "report.json"]


def test_people_are_told_the_verdict_and_where_the_rest_is(plain, capsys):
    audit(plain, 5)
    folder = plain / "audit" / "step-40-count-5"
    verdict = json.loads((folder / "report.json").read_text())["verdict"]
    assert capsys.readouterr().out == f"{verdict}\nreport.json and closest.png are in {folder}\n"


def test_a_run_that_cannot_be_written_to_is_told_before_anything_is_compared(plain, tmp_path, monkeypatch):
    run = shutil.copytree(plain, tmp_path / "run", ignore=shutil.ignore_patterns("audit"))
    (run / "audit").touch()
    monkeypatch.setattr(Comparison, "images", lambda *_: pytest.fail("too early"))
    with pytest.raises(UserError, match=r"^RUN: the report goes there, and nothing can be written to '.*audit/step-40"):
        audit(run, 1000)


@pytest.mark.parametrize("broken", [False, True])
def test_the_file_of_a_copied_picture_is_named(broken, make_run, generator, tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(40):
        Image.fromarray(paint(number, 16).pixels).save(folder / f"{number}.png")
    if broken:
        (folder / "17.png").write_bytes(b"")
    (tmp_path / "run").mkdir()
    run = make_run(tmp_path / "run", "data.hflip=false", "data.batch_size=4")
    cfg = OmegaConf.load(run / "config.yaml")
    del cfg.data.count
    cfg.data.update({"_target_": "atelier.data.collections.Folder", "root": str(folder)})
    OmegaConf.save(cfg, run / "config.yaml")
    generator(replay)
    closest = audited(run, capsys, count=8)["closest"]
    assert closest[0]["distance"] == pytest.approx(0, abs=1e-3)
    pixels = Comparison(run, None, 0).data.train_pixels
    for pair in closest:
        (copied,) = pixels.images(pair["training_picture"], pair["training_picture"] + 1).permute(0, 2, 3, 1)
        np.testing.assert_array_equal(copied, np.asarray(Image.open(folder / pair["origin"])))


def test_other_pictures_than_those_of_the_training_are_refused(make_run, tmp_path):
    run = make_run(tmp_path)
    (run / "run.json").write_text('{"data": "0123"}')
    with pytest.raises(UserError, match="data: these are no longer the pictures that .* was trained on"):
        audit(run, 4)


def test_pictures_are_found_from_another_folder_than_the_training_was_started_in(make_run, tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    for number in range(60):
        save_png(paint(number, 16).pixels, tmp_path / "pictures" / f"{number}.png", {})
    (tmp_path / "run").mkdir()
    run = make_run(tmp_path / "run", "data.batch_size=8")
    cfg = OmegaConf.load(run / "config.yaml")
    folder = OmegaConf.merge(cfg.data, {"_target_": "atelier.data.collections.Folder", "root": "pictures"})
    cfg.data = {key: value for key, value in folder.items() if key != "count"}
    OmegaConf.save(cfg, run / "config.yaml")
    (run / "run.json").write_text(json.dumps({"folder": str(tmp_path)}))
    monkeypatch.chdir(run)
    audit(Path(), 4)
    assert (run / "audit" / "step-40-count-4" / "closest.png").is_file()
    (tmp_path / "pictures").rename(tmp_path / "gone")
    with pytest.raises(UserError, match=r"data\.root: no such folder: 'pictures'"):
        audit(Path(), 4)


def test_points_are_no_pictures(make_run, tmp_path):
    run = make_run(tmp_path)
    config = (run / "config.yaml").read_text()
    gaussians = "data: {_target_: atelier.data.gaussians.Gaussians, layout: ring, batch_size: 8, seed: 0, count: 50}\n"
    start, end = config.index("data:\n"), config.index("\n", config.index("validation:")) + 1
    (run / "config.yaml").write_text(config[:start] + gaussians + config[end:])
    with pytest.raises(UserError, match="data: Gaussians has no pictures to compare with"):
        audit(run, 4)
