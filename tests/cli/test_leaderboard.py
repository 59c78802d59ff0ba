import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from atelier.cli import transfers
from atelier.cli.board.contest import Contest, entrants
from atelier.cli.board.grid import Grid
from atelier.cli.board.painting import digest, styles_of
from atelier.cli.board.scoring import Scorer
from atelier.cli.board.usage import Usage
from atelier.cli.main import app
from atelier.cli.methods import Settings, method_of
from atelier.errors import UserError
from atelier.metrics.extractors.embedded import EmbeddedExtractor
from atelier.metrics.style.artfid import ArtFid

CPU = torch.device("cpu")
MEASURES = ["colour_histogram_distance", "ssim", "embedded_content_distance"]
SETTINGS = Settings(2 << 30, encoder="embedded", steps=1)


def paint(folder, names, seed=0, size=(90, 70)):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        coarse = np.random.default_rng([seed, number]).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("grid")
    return paint(root / "content", ["cat", "dog"]), paint(root / "style", ["wave", "night"], seed=1)


@pytest.fixture(scope="session")
def learned(make_style_run, pictures):
    """A run that knows the style `wave`."""
    style = pictures[1] / "wave.png"
    tiny = ["model.network.width=4", "model.network.blocks=1"]
    return make_style_run("johnson", "model=johnson", f"data.content={pictures[0]}", f"data.style={style}", *tiny)


def run(command, *words):
    result = CliRunner().invoke(app, [command, *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="session")
def held(pictures, adain, learned, tmp_path_factory):
    """A board of all kinds of methods: its folder, and what was printed."""
    out = tmp_path_factory.mktemp("board") / "out"
    content, style = pictures
    options = ["--content", content, "--style", style, "--size", 80, "--out", out, "--measures", ",".join(MEASURES)]
    words = [learned, adain, "gatys", "nonsense", *options, "--encoder", "embedded", "--steps", 1]
    return out, run("leaderboard", *words, "--json")


@pytest.fixture(scope="session")
def board(held):
    return json.loads((held[0] / "board.json").read_text())


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


def test_a_failure_is_told_in_a_line_and_the_others_go_on(board, held):
    assert board["failed"] == {"nonsense": "METHOD: must be one of gatys, wct or a run folder, got 'nonsense'"}
    assert held[1].exit_code == 1
    assert held[1].stderr.splitlines() == [f"nonsense: {board['failed']['nonsense']}"]
    assert json.loads(held[1].stdout) == board


def test_pictures_and_a_plot_are_beside_it(held):
    with Image.open(held[0] / "board.png") as picture:
        assert picture.text["columns"].split(", ")[:2] == ["content", "style"]
        cells = picture.width // 224, picture.height // 224
    assert cells == (5, 2)  # content, style, three methods; two contents
    assert (held[0] / "plot.png").stat().st_size > 1000
    assert len([*(held[0] / "adain").iterdir()]) == 4


def contest(pictures, words, out=None, measures=MEASURES):
    made = Contest(*pictures, 80, measures, SETTINGS, 0)
    made.hold(entrants(map(str, words)), out)
    return made


def test_the_order_of_methods_is_no_matter(board, pictures, adain):
    """Neither to their scores nor to their places, which are those of the first measure."""
    rows = contest(pictures, ["gatys", adain]).rows
    methods = {name: method for name, method in board["methods"].items() if name != "johnson"}
    assert [row.name for row in rows] == [*methods]
    for row in rows:
        assert {name: score.told for name, score in row.scores.items()} == methods[row.name]["scores"]
    first = [row.scores[MEASURES[0]].value for row in rows]
    assert first == sorted(first)


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
    ],
)
def test_names_on_the_board_must_differ(words, message):
    with pytest.raises(UserError, match=message):
        entrants(words)


def test_a_name_may_be_given_and_a_folder_may_have_an_equals_sign(tmp_path):
    run = tmp_path / "seed=1"
    run.mkdir()
    assert entrants([f"mine={run}", str(run), "wct", "again=wct"]) == {
        "mine": str(run), "seed=1": str(run), "wct": "wct", "again": "wct",
    }  # fmt: skip


def test_bad_input_is_refused_before_anything_is_painted(pictures, tmp_path):
    content, style = pictures
    there = ["wct", "--content", content, "--style", style]
    with pytest.raises(UserError, match="--out: must be a new or an empty folder"):
        run("leaderboard", *there, "--out", content)
    with pytest.raises(UserError, match="--measures: there is no 'ssin'; .* did you mean 'ssim'"):
        run("leaderboard", *there, "--measures", "ssin")
    with pytest.raises(UserError, match="--style: no such folder"):
        run("leaderboard", "wct", "--content", content, "--style", tmp_path / "nowhere")
    paint(tmp_path / "broken", ["fine"])
    (tmp_path / "broken" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"--content: .*bad\.png cannot be used \(not an image\)"):
        run("leaderboard", "wct", "--content", tmp_path / "broken", "--style", style)


def test_a_run_that_gives_no_picture_a_style_is_told_and_left_out(pictures, plain, adain, capsys):
    made = contest(pictures, [plain, adain])
    assert [row.name for row in made.rows] == ["adain"]
    assert capsys.readouterr().err.startswith(f"{plain.name}: METHOD: {plain} is the run of a Gan")


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
        "broken: model.decoder.surprise: Decoder takes no such argument; it takes deepest, upsampling, widths\n"
    )


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


def test_names_that_could_be_read_in_two_ways_are_refused(tmp_path):
    content = paint(tmp_path / "content", ["a", "a_stylized_b"])
    style = paint(tmp_path / "style", ["c", "b_stylized_c"])
    with pytest.raises(UserError, match=r"a_stylized_b_stylized_c\.png .* rename one of them|have one name"):
        Grid(content, style, 80)


def test_with_a_single_pair_there_is_no_interval(learned, tmp_path):
    content, style = paint(tmp_path / "content", ["cat"]), paint(tmp_path / "style", ["wave"], seed=1)
    score = contest((content, style), [learned], measures=["ssim"]).rows[0].told["scores"]["ssim"]
    assert (score["low"], score["high"]) == (None, None)


class NoLpips:
    """The mean difference of pixels, in the place of LPIPS, whose weights are a download."""

    architecture, digest = "alex", "none"

    def fetch(self):
        pass

    def load(self, device):
        pass

    def __call__(self, first, second):
        return (first.float() - second.float()).abs().mean((1, 2, 3)) / 255


def test_artfid_is_drawn_with_both_of_its_factors(pictures, adain, monkeypatch, tmp_path):
    monkeypatch.setitem(transfers.MEASURES, "artfid_embedded", lambda have: ArtFid(EmbeddedExtractor(), NoLpips()))
    made = contest(pictures, [adain], tmp_path / "out", ["artfid_embedded"])
    whole, distance = made.rows[0].scores.values()
    words = ["--content", pictures[0], "--style", pictures[1], "--fake", tmp_path / "out" / "adain", "--size", 80]
    expected = json.loads(run("score", *words, "--measures", "artfid_embedded", "--json").stdout)["scores"]
    assert {"artfid_embedded": whole.value, "artfid_embedded_frechet_distance": distance.value} == expected
    assert whole.low < whole.value < whole.high
    lost = whole.drawn / (1 + distance.drawn) - 1
    assert float(lost.mean()) == pytest.approx(whole.value / (1 + distance.value) - 1, rel=0.05)


def test_a_scorer_starts_anew_with_every_method(pictures, held):
    scorer = Scorer(["ssim"], Grid(*pictures, 80))
    found = [scorer.scores(held[0] / name, ["night", "wave"])["ssim"].value for name in ("adain", "gatys", "adain")]
    assert found[0] == found[2] != found[1]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_usage_sees_what_a_block_holds_and_what_went_before_it():
    usage = Usage(CPU)
    weights = torch.ones(8 << 20)  # 32 MiB
    taken = []
    with usage.watched(taken):
        work = torch.ones(4 << 20)
    assert len(taken) == 1
    assert 44 << 20 < usage.peak < 60 << 20
    del work, weights


def test_a_digest_is_that_of_the_weights(adain, make_style_run):
    first, again = (digest(method_of(str(adain), Settings(2 << 30)).method) for _ in range(2))
    assert first == again
    method = method_of(str(adain), Settings(2 << 30)).method
    next(iter(method.levels[0].decoder.parameters())).data[0] += 1
    changed = digest(method)
    method = method_of(str(adain), Settings(2 << 30)).method
    next(iter(method.levels[0].encoder.network.parameters())).data[0] += 1
    assert len({first, changed, digest(method)}) == 3


def test_published_weights_enter_by_name(pictures, shared_data):
    weights = shared_data / "weights" / "wct16x_all.safetensors"
    made = Contest(*pictures, 80, ["ssim"], Settings(2 << 30, weights=weights), 0)
    made.hold(entrants(["wct"]), None)
    assert made.rows[0].card["encoder"] == "vgg19_slim"
    assert -1 < made.rows[0].scores["ssim"].value < 0.95
