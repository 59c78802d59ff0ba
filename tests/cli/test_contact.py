"""The sheet beside what was stylised."""

from pathlib import Path

import numpy as np
import pytest
import torch
from stylising import paint, read

from atelier.cli.pictures.contact_sheet import MOST, NAME, SIDE, Sheet, place_beside
from atelier.errors import UserError
from atelier.stylize import artwork


@pytest.mark.parametrize(("contents", "styles"), [(1, 1), (2, 3), (3, 2)])
def test_the_longer_side_of_a_sheet_runs_down(contents, styles, tmp_path):
    sheet = Sheet()
    for content in range(contents):
        for style in range(styles):
            shades = (
                torch.full((3, 16, 16), shade, dtype=torch.uint8)
                for shade in (content, 100 + style, 200 + 10 * content + style)
            )
            sheet.note(f"c{content}", f"s{style}", *shades)
    sheet.save(tmp_path / "sheet.png", {"method": "none"})
    middles = read(tmp_path / "sheet.png")[SIDE // 2 :: SIDE + 2, SIDE // 2 :: SIDE + 2, 0]
    expected = np.full((contents + 1, styles + 1), 255)
    expected[1:, 0], expected[0, 1:] = range(contents), range(100, 100 + styles)
    expected[1:, 1:] = [[200 + 10 * content + style for style in range(styles)] for content in range(contents)]
    np.testing.assert_array_equal(middles, expected if contents >= styles else expected.T)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("headed", [False, True])
def test_a_strip_is_wrapped_and_what_it_leaves_out_is_told(headed, turned, tmp_path, capsys):
    """Each block is below the heads, and no picture is lost between two; of contents in a style, or of styles."""
    sheet, shade = Sheet(), lambda level: torch.full((3, 16, 16), level, dtype=torch.uint8)
    for number in range(MOST + 1):
        names = (f"s{number}", "one") if not turned else ("one", f"s{number}")
        shades = (number, 100) if not turned else (100, number)
        sheet.note(*names, shade(shades[0]), shade(shades[1]) if headed else None, shade(200 + number))
    sheet.save(tmp_path / "sheet.png", {})
    kind = "styles" if turned else "contents"
    assert capsys.readouterr().err == f"{tmp_path / 'sheet.png'}: shows the first 24 of 25 {kind}\n"
    pixels = read(tmp_path / "sheet.png")
    assert 0.5 <= pixels.shape[0] / pixels.shape[1] <= 2
    middles = pixels[SIDE // 2 :: SIDE + 2, SIDE // 2 :: SIDE + 2, 0]
    made = middles[(middles >= 200) & (middles < 255)]
    assert sorted(made) == [200 + number for number in range(MOST)]
    for number in range(MOST):
        row, column = np.argwhere(middles == 200 + number)[0]
        if headed or not turned:
            assert middles[row, column - 1] == number
        if headed or turned:
            assert middles[0, column] == 100


def cells(path):
    pixels = read(path)[2:, 2:, 0]
    return [[pixels[top : top + SIDE, left : left + SIDE] for left in (0, SIDE + 2)] for top in (0, SIDE + 2)]


def test_contents_and_styles_have_their_names_and_what_was_made_of_them_has_none(tmp_path):
    """Black on white below a grey picture, however long the name is; all are level and of one size."""
    sheet, grey = Sheet(), torch.full((3, 16, 16), 128, dtype=torch.uint8)
    sheet.note("a name that is longer than any thumbnail is wide", "candy", grey, grey, grey)
    sheet.save(tmp_path / "sheet.png", {"method": "none"})
    (_, style), (content, made) = cells(tmp_path / "sheet.png")
    assert (made[-NAME:] == 255).all()
    inks = [(cell[-NAME:] < 64).any(0) for cell in (style, content)]
    assert 20 < inks[0].sum() < inks[1].sum() <= SIDE
    assert not inks[1][[0, -1]].any()
    side, margin = SIDE - NAME, NAME // 2
    for cell in (style, content, made):
        assert (cell[:side, margin : margin + side] == 128).all()
        assert (cell[:side] == 128).sum() == side**2


def test_a_name_with_a_line_end_spoils_no_sheet(tmp_path):
    sheet, grey = Sheet(), torch.full((3, 16, 16), 128, dtype=torch.uint8)
    sheet.note("two\nlines", "bell\a", grey, grey, grey)
    sheet.save(tmp_path / "sheet.png", {})
    assert all(
        (cell[-NAME:] < 64).any() for cell in (cells(tmp_path / "sheet.png")[0][1], cells(tmp_path / "sheet.png")[1][0])
    )


def test_a_sheet_is_written_over_sheets_alone(tmp_path, monkeypatch):
    """`--out photo` beside photo.png, which may be what is to be stylised: it would be lost."""
    sheet, pixels = Sheet(), torch.zeros(3, 16, 16, dtype=torch.uint8)
    sheet.note("content", "style", pixels, None, pixels)
    path = place_beside(tmp_path / "made", "stylize")
    assert path == tmp_path / "made.png"
    sheet.save(path, {"atelier": "1", "command": "stylize"})
    assert place_beside(tmp_path / "made", "stylize") == path
    with pytest.raises(UserError, match="--out: a sheet .* beside the folder, but .*/made.png is another file"):
        place_beside(tmp_path / "made", "sample")
    paint(tmp_path / "photo.png")
    (tmp_path / "notes.png").write_bytes(b"no picture")
    artwork.write(tmp_path / "stylised.png", pixels, artwork.Artwork(pixels), {"atelier": "1", "content": "photo.png"})
    for name in ("photo", "notes", "stylised"):
        with pytest.raises(UserError, match=f"--out: a sheet .* beside the folder, but .*/{name}.png is another file"):
            place_beside(tmp_path / name, "stylize")
    (tmp_path / "made").mkdir()
    monkeypatch.chdir(tmp_path / "made")
    assert place_beside(Path(), "stylize") == path
