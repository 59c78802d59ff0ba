"""Which methods are on a board, by which names, with which options; and what is told of those that are not."""

import errno
import json
import shutil
from pathlib import Path

import pytest
from boards import SETTINGS, contest, paint, run

from atelier.cli.board.contest import Contest, entrants, refuse_unheeded
from atelier.cli.board.grid import Grid
from atelier.cli.board.painting import styles_of
from atelier.cli.styling.methods import method_of
from atelier.cli.styling.settings import Settings
from atelier.errors import UserError


def test_a_failure_is_told_in_a_line_and_the_others_go_on(board, held):
    assert board["failed"] == {"nonsense": "METHOD: must be one of gatys, wct or a run folder, got 'nonsense'"}
    assert held[1].exit_code == 1
    assert held[1].stderr.splitlines() == [f"nonsense: {board['failed']['nonsense']}"]
    assert json.loads(held[1].stdout) == board


def test_where_none_can_be_scored_it_ends_with_an_error(pictures, learned, tmp_path, capsys):
    paint(tmp_path / "other", ["moor"])
    with pytest.raises(UserError, match="METHOD: none could be scored"):
        contest((pictures[0], tmp_path / "other"), [learned])
    assert capsys.readouterr().err == "johnson: has learned wave, and --style has no picture of such a name\n"


@pytest.mark.parametrize("folder", ["style", "style/sub"])
def test_styles_that_were_learned_as_files_are_known_by_their_stems(folder, pictures, make_style_run, tmp_path):
    names = ["moor.png", "sub/wave.jpg"]
    tiny = ["model.network.width=4", "model.network.blocks=1", "model.network.styles=2"]
    run = make_style_run(f"files-{folder.replace('/', '-')}", "model=johnson", *tiny)
    (run / "run.json").write_text(json.dumps({"classes": names}))
    paint(tmp_path / folder, ["wave"], seed=1)
    paint(tmp_path / "style", ["moor"], seed=2)
    squares = Grid(pictures[0], tmp_path / "style", 80)
    expected = {"moor": 0} if folder == "style" else {"moor": 0, "wave": 1}
    assert styles_of(method_of(str(run), SETTINGS._replace(encoder=None, steps=None)), squares) == expected


@pytest.mark.parametrize(("suffix", "number"), [(".jpg", 0), (".png", 1)])
def test_of_learned_styles_of_one_stem_a_file_is_its_own(suffix, number, pictures, make_style_run, tmp_path):
    tiny = ["model.network.width=4", "model.network.blocks=1", "model.network.styles=2"]
    run = make_style_run("one-stem", "model=johnson", *tiny)
    (run / "run.json").write_text(json.dumps({"classes": ["wave.jpg", "wave.png"]}))
    paint(tmp_path / "style", ["wave"])
    (tmp_path / "style" / "wave.png").rename(tmp_path / "style" / f"wave{suffix}")
    squares = Grid(pictures[0], tmp_path / "style", 80)
    chosen = method_of(str(run), SETTINGS._replace(encoder=None, steps=None))
    assert styles_of(chosen, squares) == {"wave": number}


def test_a_picture_that_is_not_finite_is_a_failure_and_no_score(pictures, adain, learned, monkeypatch):
    from atelier.stylize.levels import Levels

    monkeypatch.setattr(Levels, "stylize", lambda self, content, mixture: content * float("nan"))
    made = contest(pictures, [adain, learned], measures=["colour_histogram_distance"])
    assert [row.name for row in made.rows] == ["johnson"]
    assert made.failed == {"adain": "cat_stylized_night is not finite"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["wct", "wct"], "METHOD: two are called 'wct': NAME=METHOD gives one another name"),
        (["a b=wct"], "METHOD: a name on the board must be letters, .* got 'a b'"),
        (["=wct"], "METHOD: a name on the board"),
        (["my/wct=wct"], "METHOD: a name on the board has no slash, got 'my/wct' for wct"),
    ],
)
def test_names_on_the_board_must_differ(words, message):
    with pytest.raises(UserError, match=message):
        entrants(words)


def test_a_name_may_be_given_and_a_folder_may_have_an_equals_sign(tmp_path, monkeypatch):
    run = tmp_path / "seed=1"
    run.mkdir()
    (run / "checkpoints").mkdir()
    assert entrants([f"mine={run}", str(run), "wct", "again=wct"]) == {
        "mine": str(run), "seed=1": str(run), "wct": "wct", "again": "wct",
    }  # fmt: skip
    assert entrants(["outputs/seed=1"]) == {"outputs-seed=1": "outputs/seed=1"}  # which is none, as it will be told
    monkeypatch.chdir(run / "checkpoints")
    assert entrants([".."]) == {"seed=1": ".."}


def test_bad_input_is_refused_before_anything_is_painted(pictures, plain, tmp_path):
    content, style = pictures
    there = ["wct", "--content", content, "--style", style]
    with pytest.raises(UserError, match="--out: must be a new or an empty folder"):
        run("leaderboard", *there, "--out", content)
    with pytest.raises(UserError, match="--out: must be a folder, and .*wave.png' is none"):
        run("leaderboard", *there, "--out", style / "wave.png")
    with pytest.raises(UserError, match="--out: nothing can be written to .*(File name too long)"):
        run("leaderboard", *there, "--out", tmp_path / ("x" * 300))
    with pytest.raises(UserError, match="--out: nothing can be written to .*wave.png/board'"):
        run("leaderboard", *there, "--out", style / "wave.png" / "board")
    with pytest.raises(UserError, match="--measures: there is no 'ssin'; .* did you mean 'ssim'"):
        run("leaderboard", *there, "--measures", "ssin")
    with pytest.raises(UserError, match="--style: no such folder"):
        run("leaderboard", "wct", "--content", content, "--style", tmp_path / "nowhere")
    with pytest.raises(UserError, match="--style: .* is a run folder; name a folder of pictures"):
        run("leaderboard", "wct", "--content", content, "--style", plain)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"--content: none of the pictures in '.*broken' can be used"):
        run("leaderboard", "wct", "--content", tmp_path / "broken", "--style", style)


def test_a_run_that_gives_no_picture_a_style_is_told_and_left_out(pictures, plain, adain, capsys):
    made = contest(pictures, [plain, adain])
    assert [row.name for row in made.rows] == ["adain"]
    assert capsys.readouterr().err.startswith(f"{plain.name}: METHOD: {plain} is a run of Gan")


def test_a_run_whose_encoders_file_has_moved_heeds_the_one_that_is_named(pictures, tmp_path, monkeypatch, capsys):
    from atelier.cli.board import contest

    heard = []
    monkeypatch.setattr(contest, "try_out", lambda word, settings, grid: heard.append(settings.weights))
    monkeypatch.setattr(contest, "paint", lambda *_: pytest.fail("only tried out"))
    (tmp_path / "here.pth").touch()
    for number, file in enumerate(("gone.pth", "here.pth")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "config.yaml").write_text(f"encoder: {{weights: {tmp_path / file}}}\n")
    made = Contest(*pictures, 80, ["ssim"], Settings(2 << 30, weights=Path("named.pth")), 0)
    with pytest.raises(pytest.fail.Exception):
        made.hold(entrants([str(tmp_path / "0"), str(tmp_path / "1")]), None)
    assert heard == [Path("named.pth"), None]


def test_a_fault_of_a_config_is_told_whole(pictures, adain, tmp_path, capsys):
    broken = tmp_path / "broken"
    shutil.copytree(adain, broken)
    config = (broken / "config.yaml").read_text()
    (broken / "config.yaml").write_text(config.replace("deepest: relu4_1", "deepest: relu4_1\n    surprise: 1"))
    contest(pictures, [broken, adain])
    assert capsys.readouterr().err == (
        "broken: model.decoder.surprise: Decoder takes no such argument; it takes deepest, upsampling, width, widths\n"
    )


@pytest.mark.parametrize("config", ["a: [b", "model: ${nowhere}\n", None])
def test_a_run_whose_config_is_broken_is_told_and_the_others_go_on(config, pictures, adain, tmp_path, capsys):
    broken = tmp_path / "broken"
    shutil.copytree(adain, broken)
    if config is None:
        (broken / "checkpoints" / "last.ckpt").unlink()
        (broken / "checkpoints" / "last.ckpt").mkdir()
    else:
        (broken / "config.yaml").write_text(config)
    made = contest(pictures, [broken, adain])
    assert [row.name for row in made.rows] == ["adain"]
    assert capsys.readouterr().err == f"broken: {made.failed['broken']}\n"
    assert made.failed["broken"].strip().count("\n") == 0


def test_a_disk_that_fails_one_method_is_told_and_a_bug_is_raised(pictures, adain, monkeypatch, capsys):
    from atelier.cli.board import contest as module

    def refuse(error):
        monkeypatch.setattr(module, "try_out", lambda *_: (_ for _ in ()).throw(error))

    refuse(PermissionError(errno.EACCES, "Permission denied", "weights"))
    with pytest.raises(UserError, match="METHOD: none could be scored"):
        contest(pictures, [adain])
    assert capsys.readouterr().err == "adain: cannot use weights: Permission denied\n"
    refuse(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        contest(pictures, [adain])


def test_options_reach_the_methods_that_heed_them(pictures, adain, monkeypatch):
    from atelier.cli.board import contest

    heard = {}
    monkeypatch.setattr(contest, "try_out", lambda word, settings, grid: heard.setdefault(word, settings))
    monkeypatch.setattr(contest, "paint", lambda *_: pytest.fail("only tried out"))
    made = Contest(*pictures, 80, ["ssim"], Settings(2 << 30, "embedded", Path("some.pth"), 3), 0)
    with pytest.raises(pytest.fail.Exception):
        made.hold(entrants(["gatys", "wct", str(adain)]), None)
    assert [settings[1:4] for settings in heard.values()] == [
        ("embedded", Path("some.pth"), 3), (None, Path("some.pth"), None), (None, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("option", "value"), [("steps", 7), ("encoder", "nonsense"), ("weights", "nowhere.pth")])
def test_an_option_that_no_method_heeds_is_refused(option, value, pictures, adain, learned, tmp_path):
    there = ["--content", pictures[0], "--style", pictures[1], "--out", tmp_path / "out", f"--{option}", value]
    with pytest.raises(UserError, match=rf"--{option}: adain does not take it"):
        run("leaderboard", adain, *there)
    with pytest.raises(UserError, match=rf"--{option}: none of adain, b takes it"):
        run("leaderboard", adain, f"b={learned}", *there)
    assert not (tmp_path / "out").exists()


def test_an_option_is_no_fault_where_a_method_heeds_it(adain, tmp_path):
    settings = Settings(2 << 30, "embedded", Path("some.pth"), 3)
    refuse_unheeded(entrants([str(adain), "gatys"]), settings)
    refuse_unheeded(entrants([str(adain), "wct"]), Settings(2 << 30, weights=Path("some.pth")))
    refuse_unheeded(entrants(["gatsy"]), settings)  # which is told to be no method
    shutil.copytree(adain, tmp_path / "broken")
    (tmp_path / "broken" / "config.yaml").write_text("a: [b")
    refuse_unheeded(entrants([str(tmp_path / "broken")]), Settings(2 << 30, weights=Path("some.pth")))


def test_names_that_could_be_read_in_two_ways_are_refused(tmp_path):
    content = paint(tmp_path / "content", ["a", "a_stylized_b"])
    style = paint(tmp_path / "style", ["c", "b_stylized_c"])
    with pytest.raises(UserError, match=r"a_stylized_b_stylized_c\.png .* rename one of them|have one name"):
        Grid(content, style, 80)
