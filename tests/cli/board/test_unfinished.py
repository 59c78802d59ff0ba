"""A board that was interrupted, and the next try at it."""

import pytest
import torch
from boards import run

from atelier.cli.board import contest
from atelier.cli.board.unfinished import cleared
from atelier.errors import Interrupted, UserError
from atelier.record.grids import save_png


def all_in(folder):
    """All that lies in it: what each file has."""
    return {
        path.relative_to(folder): None if path.is_dir() else path.read_bytes() for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def words(pictures, adain, tmp_path):
    content, style = pictures
    options = ["--content", content, "--style", style, "--size", 80, "--measures", "ssim,colour_histogram_distance"]
    return ["leaderboard", adain, "gatys", *options, "--encoder", "embedded", "--steps", 1, "--out", tmp_path / "out"]


@pytest.fixture
def left(words, tmp_path, monkeypatch):
    """A board that was interrupted before its last file, and the half of one that was being written."""
    with monkeypatch.context() as patch:
        patch.setattr(contest, "write_text", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(Interrupted, match="^interrupted$"):
            run(*words)
    (tmp_path / "out" / "adain" / ".cat_stylized_night.png.x2.partial").touch()
    found = [path.as_posix() for path in all_in(tmp_path / "out")]
    assert {"adain", "adain/cat_stylized_night.png", "board.png", "gatys", "plot.png"} <= {*found}
    assert "board.json" not in found
    return tmp_path / "out"


def test_the_same_command_begins_again(left, words):
    save_png(torch.zeros(8, 8, 3).byte().numpy(), left / "adain" / "gone_stylized_night.png", {"weights_sha256": "0"})
    result = run(*words)
    assert result.exit_code == 0
    assert result.stderr == f"{left}: has an unfinished board, which begins again\n"
    found = all_in(left)
    assert len(found) == 2 * (1 + 4) + 3  # of what is no picture of this board nothing is left
    with pytest.raises(UserError, match=r"^--out: must be a new or an empty folder, .* there is '.*board.json'"):
        run(*words)
    assert all_in(left) == found


def test_a_mistake_in_the_command_costs_no_unfinished_board(left, words):
    before = all_in(left)
    with pytest.raises(UserError, match="^--measures: "):
        run(*words[:-2], "--measures", "ssin", *words[-2:])
    assert all_in(left) == before


@pytest.mark.parametrize(
    "path",
    [
        *("mine.txt", "mine.png.half.partial", "wct/cat_stylized_night.png"),
        *("adain/mine.txt", "adain/mine.png", "adain/sub/a_stylized_b.png"),
    ],
)
def test_what_is_of_no_such_board_is_left_alone(path, left, words):
    note = {} if path == "adain/mine.png" else {"weights_sha256": "0"}
    save_png(torch.zeros(8, 8, 3).byte().numpy(), left / path, note)
    before = all_in(left)
    with pytest.raises(UserError, match="^--out: must be a new or an empty folder, or one with no more than an unfini"):
        run(*words)
    assert all_in(left) == before


@pytest.mark.parametrize("name", ["board.png", "plot.png", "adain/cat_stylized_night.png"])
def test_so_is_somebody_elses_file_of_such_a_name(name, left, words):
    note = {"weights_sha256": "0", "content": "a picture of atelier stylize"} if "adain" in name else {}
    save_png(torch.zeros(8, 8, 3).byte().numpy(), left / name, note)
    before = all_in(left)
    with pytest.raises(UserError, match=f"there is '.*{name}'$"):
        run(*words)
    assert all_in(left) == before


def test_a_board_that_another_process_makes_is_not_unfinished(left, words):
    with cleared(left, ["adain", "gatys"]):
        save_png(torch.zeros(8, 8, 3).byte().numpy(), left / "adain" / "a_stylized_b.png", {"weights_sha256": "0"})
        with pytest.raises(UserError, match="^--out: another process makes a board in '.*out'$"):
            run(*words)
        assert (left / "adain" / "a_stylized_b.png").exists()


def test_where_nothing_comes_of_a_board_no_folder_is_left(words, tmp_path):
    words[words.index("--measures") + 1] = "ssin"
    words[-1] = tmp_path / "new" / "out"
    with pytest.raises(UserError, match="--measures"):
        run(*words)
    assert not (tmp_path / "new").exists()
