"""`atelier leaderboard`: every method over one grid."""

import json
import shutil

import pytest
import torch
from boards import MEASURES, contest, paint, run
from PIL import Image

from atelier.errors import UserError


@pytest.mark.parametrize("name", ["adain", "gatys", "johnson"])
def test_scores_are_those_of_atelier_score_on_the_written_folder(name, board, held, pictures):
    content, style = pictures
    words = ["--content", content, "--style", style, "--fake", held[0] / name, "--size", 80]
    expected = json.loads(run("score", *words, "--measures", ",".join(MEASURES), "--json").stdout)
    assert {key: score["value"] for key, score in board["methods"][name]["scores"].items()} == expected["scores"]
    assert board["card"]["measures"] == expected["card"]["measures"]
    assert (board["card"]["content_key"], board["card"]["resize"]) == (
        expected["card"]["content_key"], expected["card"]["resize"],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["adain", "gatys"])
@pytest.mark.parametrize("measure", MEASURES)
def test_an_interval_is_about_the_mean_of_the_pairs(name, measure, board):
    score = board["methods"][name]["scores"][measure]
    pairs = torch.tensor(score["pairs"], dtype=torch.float64)
    assert pairs.shape == (2, 2)
    torch.testing.assert_close(torch.tensor(score["value"]), pairs.mean().float())
    assert score["low"] < score["value"] < score["high"]
    assert score["high"] - score["low"] < 1.1 * (pairs.max() - pairs.min())
    assert score["better"] == ("higher" if measure == "ssim" else "lower")


def test_costs_are_told_apart(board):
    for name, method in board["methods"].items():
        assert method["milliseconds"] > 0
        assert (method["study_milliseconds"] > 0) == (name != "johnson")
        assert len(method["card"]["weights_sha256"]) == 64
    assert board["methods"]["gatys"]["card"]["steps"] == 1
    assert board["methods"]["adain"]["card"]["step"] == 40


def test_one_that_has_learned_its_styles_is_scored_on_those_and_stands_last(board):
    assert [*board["methods"]][-1] == "johnson"
    assert board["methods"]["johnson"]["styles"] == ["wave"]
    assert len(board["methods"]["johnson"]["scores"]["ssim"]["pairs"][0]) == 1


def test_pictures_and_a_plot_are_beside_it(held):
    with Image.open(held[0] / "board.png") as picture:
        assert picture.text["columns"].split(", ")[:2] == ["content", "style"]
        cells = picture.width // 224, picture.height // 224
    assert cells == (5, 2)  # content, style, three methods; two contents
    assert (held[0] / "plot.png").stat().st_size > 1000
    assert len([*(held[0] / "adain").iterdir()]) == 4


def test_the_order_of_methods_is_no_matter(board, pictures, adain):
    """Neither to their scores nor to their places, which are those of the first measure."""
    rows = contest(pictures, ["gatys", adain]).rows
    methods = {name: method for name, method in board["methods"].items() if name != "johnson"}
    assert [row.name for row in rows] == [*methods]
    for row in rows:
        assert {name: score.told for name, score in row.scores.items()} == methods[row.name]["scores"]
    first = [row.scores[MEASURES[0]].value for row in rows]
    assert first == sorted(first)


def test_with_a_single_pair_there_is_no_interval(learned, tmp_path):
    content, style = paint(tmp_path / "content", ["cat"]), paint(tmp_path / "style", ["wave"], seed=1)
    score = contest((content, style), [learned], measures=["ssim"]).rows[0].told["scores"]["ssim"]
    assert (score["low"], score["high"]) == (None, None)


def test_pictures_of_too_long_names_are_told_and_left_out(pictures, adain, tmp_path):
    content, style = (tmp_path / "content", tmp_path / "style")
    for source, folder in zip(pictures, (content, style), strict=True):
        shutil.copytree(source, folder)
    longest = 255 - len(".") - len("_stylized_night.png") - len(".12345678.partial")
    for name in ("c" * 245, "é" * 120, "m" * longest):
        shutil.copy(content / "cat.png", content / f"{name}.png")
    shutil.copy(style / "wave.png", style / f"{'s' * 245}.png")
    words = ["--content", content, "--style", style, "--size", 80, "--measures", "ssim", "--out", tmp_path / "out"]
    result = run("leaderboard", adain, *words)
    reason = "cannot be used (its name is too long for what would be made of it)"
    told = [("content", "c" * 245), ("style", "s" * 245), ("content", "é" * 120)]
    assert result.stderr.splitlines() == [
        f"--{option}: {tmp_path / option / name}.png {reason}" for option, name in told
    ]
    assert result.exit_code == 3
    board = json.loads((tmp_path / "out" / "board.json").read_text())
    assert board["card"]["contents"] == ["cat", "dog", "m" * longest]
    assert board["card"]["styles"] == ["night", "wave"]
    assert len([*(tmp_path / "out" / "adain").iterdir()]) == 6
    for name in ("cat", "dog", "é" * 120, "m" * longest):
        (content / f"{name}.png").unlink()
    with pytest.raises(UserError, match="--content: none of the pictures in '.*' can be used"):
        run("leaderboard", adain, *words[:4])


def test_pictures_that_cannot_be_read_are_told_and_left_out(pictures, adain, tmp_path):
    """The board is that of the others, and as comparable; the exit code counts all that failed."""
    content, style = (tmp_path / "content", tmp_path / "style")
    for source, folder in zip(pictures, (content, style), strict=True):
        shutil.copytree(source, folder)
    options = ["--size", 80, "--measures", "ssim", "--json"]
    whole = json.loads(run("leaderboard", adain, "--content", content, "--style", style, *options).stdout)
    (content / "bad.png").write_bytes(b"no picture")
    (style / "empty.png").write_bytes(b"")
    result = run("leaderboard", adain, "nonsense", "--content", content, "--style", style, *options)
    faults = [
        f"--content: {content / 'bad.png'} cannot be used (not an image)",
        f"--style: {style / 'empty.png'} cannot be used (empty file)",
    ]
    assert result.stderr.splitlines()[:2] == faults
    assert result.exit_code == 3
    board = json.loads(result.stdout)
    assert board["left_out"] == faults
    assert board["card"] == whole["card"]
    assert board["methods"]["adain"]["scores"] == whole["methods"]["adain"]["scores"]
    (content / "bad.png").write_bytes((content / "cat.png").read_bytes())
    more = json.loads(run("leaderboard", adain, "--content", content, "--style", style, *options).stdout)
    assert more["card"]["content_key"] != whole["card"]["content_key"]
