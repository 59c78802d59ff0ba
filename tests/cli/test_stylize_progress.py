"""What `atelier stylize` tells before it paints and while it does; and clips, which take it longest."""

from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
import torch
from stylising import paint, read

from atelier.cli.pictures.contact_sheet import SIDE
from atelier.cli.styling import stylizing

TINY = "too small: 8 x 8, at least 16 pixels a side are needed"


def test_tiles_are_told_of_before_they_are_made(adain, learned, painting, stylize, out, tmp_path):
    large = paint(tmp_path / "large.png", 300, 400)
    whole = stylize(adain, "--content", large, "--style", painting)
    assert whole.output.strip() == f"1 picture in {out}"
    expected = read(out / "large_stylized_painting.png").astype(int)
    result = stylize(adain, "--content", large, "--style", painting, "--max-memory", "18MiB")
    assert result.exit_code == 0, result.output
    assert result.stderr.strip() == "400 x 300 takes about 25 MiB: in tiles within 18 MiB"
    assert np.abs(read(out / "large_stylized_painting.png") - expected).max() <= 1
    result = stylize(adain, "--content", large, "--style", painting, "--max-memory", "5MiB")
    assert result.exit_code == 1
    assert "--max-memory: 400 x 304 pixels need" in result.output


def test_the_bar_says_how_much_memory_the_largest_picture_takes(adain, photo, painting, stylize, tmp_path, monkeypatch):
    """Before the first is painted, where there is a terminal to look at."""
    large, doing = paint(tmp_path / "large.png", 300, 400), []
    monkeypatch.setattr(stylizing, "bar", lambda what, total: doing.append(what) or nullcontext(lambda: None))
    for words in ([], ["--max-memory", "18MiB"]):
        assert stylize(adain, "--content", photo, "--content", large, "--style", painting, *words).exit_code == 0
    assert doing == ["stylizing within about 25 MiB", "stylizing within about 18 MiB"]


@pytest.mark.parametrize("method", ["learned", "gatys"])
def test_the_bar_counts_the_frames_of_clips(method, learned, painting, stylize, tmp_path, monkeypatch):
    """And what fails counts as done."""
    pytest.importorskip("av")
    from atelier.stylize.clips import write_clip

    frame = torch.tensor(read(paint(tmp_path / "in" / "frame.png"))).permute(2, 0, 1)
    write_clip(tmp_path / "film.mkv", [frame] * 3, Fraction(24), {})
    paint(tmp_path / "in" / "tiny.png", 8, 8)
    totals, told = [], []

    def bar(_, total):
        totals.append(total)
        return nullcontext(lambda: told.append(None))

    monkeypatch.setattr(stylizing, "bar", bar)
    words, steps, style = {
        "gatys": (["gatys", "--encoder", "embedded", "--steps", 2, "--size", 32, "--style", painting], 2, "painting"),
        "learned": ([learned, "--style", "dawn"], 1, "dawn"),
    }[method]
    result = stylize(*words, "--content", tmp_path / "in", "--content", tmp_path / "film.mkv")
    assert result.stderr.splitlines() == [f"{tmp_path / 'in' / 'tiny.png'} in {style}: {TINY}"]
    assert totals == [(1 + 1 + 3) * steps]
    assert len(told) == totals[0]


def test_clips_are_stylised_frame_by_frame(learned, stylize, out, tmp_path):
    pytest.importorskip("av")
    from atelier.stylize.clips import frames, rate_of, write_clip

    painted = [torch.tensor(read(paint(tmp_path / "f.png", seed=seed))).permute(2, 0, 1) for seed in (0, 0, 1)]
    write_clip(tmp_path / "film.mp4", painted, Fraction(24), {})
    result = stylize(learned, "--content", tmp_path / "film.mp4", "--style", "dawn")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == f"1 clip in {out}"
    assert rate_of(out / "film_stylized_dawn.mp4") == 24
    assert [frame.shape for frame in frames(out / "film_stylized_dawn.mp4")] == [(3, 32, 48)] * 3
    assert read(tmp_path / "out.png").shape[:2] == (SIDE + 4, 2 * (SIDE + 2) + 2)  # its first frame, and what it became
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    result = stylize(learned, "--content", tmp_path / "broken.mp4", "--style", "dawn")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{tmp_path / 'broken.mp4'} in dawn: no video that can be used (")
