"""Which pictures are contents, and what stylised ones are called after."""

import os

import pytest
import torch
from stylising import paint

from atelier.cli.pictures.contents import contents, joined_names
from atelier.cli.pictures.earlier_outputs import Outputs
from atelier.cli.writable import refuse_another
from atelier.errors import UserError
from atelier.stylize import artwork


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A photograph, and what was made of it: without a folder's name in `made/a` and `made/b`, else in `album`."""
    monkeypatch.chdir(tmp_path)
    for path in ("photo.png", "made/a/photo.png", "made/b/photo.png", "made/a.png", "album/photo.png", "album.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = torch.zeros(3, 16, 16, dtype=torch.uint8)
        note = {} if path == "photo.png" else {"atelier": "1"}
        artwork.write(tmp_path / path, pixels, artwork.Artwork(pixels), note)
    return tmp_path


@pytest.mark.parametrize(
    ("searched", "out", "root", "found"),
    [
        (".", "album", "album", ["made/a.png", "made/a/photo.png", "made/b/photo.png", "photo.png"]),
        (".", "made/a", "made", ["album.png", "album/photo.png", "photo.png"]),
        ("made", "made/a", "made", ["made/b/photo.png"]),
        ("made/b", "made/a", "made", ["made/b/photo.png"]),
        ("made/b", ".", ".", ["made/b/photo.png"]),
        ("album/photo.png", "album", "album", ["album/photo.png"]),
        (".", ".", ".", ["album/photo.png", "made/a.png", "made/a/photo.png", "made/b/photo.png", "photo.png"]),
    ],
)
def test_what_came_out_is_no_content(searched, out, root, found, here, capsys):
    outputs = Outputs(here / out, here / root)
    kept = contents([here / searched], is_output=outputs.among)
    assert [content.path.relative_to(here).as_posix() for content in kept] == found
    outputs.tell("--content")
    told = capsys.readouterr().err
    everything = [content.path for content in contents([here / searched])]
    left = len(everything) - len(found)
    pictures = "1 picture" if left == 1 else f"{left} pictures"
    line = f"--content: left out what was made before, in {here / root} or beside it: {pictures}\n"
    assert told == (line if left else "")


def test_where_nothing_else_lies_that_is_told(here):
    outputs = Outputs(here / "album", here / "album")
    with pytest.raises(UserError, match="^--content: no pictures in '.*album' but those that came out before$"):
        contents([here / "album"], is_output=outputs.among)
    paint(here / "album" / "own.png")
    assert [content.name for content in contents([here / "album"], is_output=outputs.among)] == ["own"]


def test_ones_own_pictures_are_contents_wherever_they_lie(here):
    paint(here / "album" / "own.png")
    outputs = Outputs(here / "album", here / "album")
    found = [content.path.name for content in contents([here], is_output=outputs.among)]
    assert "own.png" in found


def test_a_folder_of_what_came_out_is_no_fault_beside_others(here):
    faults = []
    outputs = Outputs(here / "album", here / "album")
    found = contents([here / "photo.png", here / "album"], left_out=faults.append, is_output=outputs.among)
    assert [content.name for content in found] == ["photo"]
    assert faults == []


def test_a_link_in_a_circle_is_told_with_what_cannot_be_read(here):
    (here / "circle.png").symlink_to("circle.png")
    outputs = Outputs(here / "album", here / "album")
    found = [content.name for content in contents([here], is_output=outputs.among)]
    assert {"circle", "photo"} <= {*found}


def test_nothing_is_read_from_a_pipe(tmp_path):
    pipe = tmp_path / "photo.png"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="^--content: neither a file nor a folder: '.*photo.png'$"):
        contents([pipe])
    with pytest.raises(UserError, match="^--out: .*photo.png is another file"):
        refuse_another(pipe, lambda path: True)


def test_names_of_files_stay_different_and_dots_of_others_stay():
    assert joined_names(["a/b.jpg", "a-b.png", "St. Ives", "b.JPEG"]) == ["a-b", "a-b-1", "St. Ives", "b"]


def test_a_number_is_one_that_no_other_file_has():
    assert joined_names(["candy-2.jpg", "candy.jpg", "candy.png"]) == ["candy-2", "candy", "candy-1"]
    assert joined_names(["candy-1.jpg", "candy.jpg", "candy.png"]) == ["candy-1", "candy", "candy-2"]
    assert joined_names(["a.png", "a.jpg", "a-1.png", "a.gif"]) == ["a", "a-1", "a-1-1", "a-2"]
