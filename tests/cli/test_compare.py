import json
import warnings
from pathlib import Path

import matplotlib
import pytest
from PIL import Image
from typer.testing import CliRunner

from atelier.cli.comparing import curves
from atelier.cli.comparing.standings import differences, entries, is_high, metric_of, ranked
from atelier.cli.main import app
from atelier.errors import UserError

CARD = {"extractor": "inception", "resize": "tf1", "generated_images": 5000, "seed": 1, "versions": {"torch": "2.15"}}


@pytest.fixture
def make(tmp_path):
    """Makes a run's record of scores at steps 100, 200, …"""

    def run(name, card=CARD, status="finished", monitor=None, **scores):
        folder = tmp_path / "outputs" / name
        folder.mkdir(parents=True)
        columns = [f"val/{score.replace('__', '/')}" for score in scores]
        rows = [
            ",".join(map(str, [100 * (i + 1), 3200 * (i + 1), *values]))
            for i, values in enumerate(zip(*scores.values(), strict=True))
        ]
        text = "\n".join([",".join(["step", "images_seen", "generator/adversarial", *columns]), *[
            ",".join([*row.split(",")[:2], "0.5", *row.split(",")[2:]]) for row in rows
        ]])  # fmt: skip
        (folder / "metrics.csv").write_text(text + "\n")
        (folder / "run.json").write_text(json.dumps({"status": status, "card": card, "monitor": monitor}))
        return folder

    return run


def compare(tmp_path, *words):
    return CliRunner().invoke(app, ["compare", *map(str, words), "--out", str(tmp_path / "plot.png")])


def test_runs_are_ranked_by_their_best_and_drawn(make, tmp_path):
    runs = [make("a", fid=[50, 20, 30]), make("b", fid=[40, 10, 60]), make("c", fid=[90, 80, 15])]
    result = compare(tmp_path, *runs)
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines() if "outputs/" in line]
    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [
        ("1", "outputs/b", "10", "200"), ("2", "outputs/c", "15", "300"), ("3", "outputs/a", "20", "200"),
    ]  # fmt: skip
    assert "fid (lower is better)" in result.output
    assert Image.open(tmp_path / "plot.png").size == (1200, 675)


def test_of_some_scores_one_wants_much(make):
    found = entries([make("a", fid=[9], recall=[0.2]), make("b", fid=[9], recall=[0.6])])
    assert [entry.name for entry in ranked(found, "recall")] == ["outputs/b", "outputs/a"]
    assert [entry.name for entry in ranked(entries([make("x", embedded_class_score=[2, 1]), make("y", embedded_class_score=[1, 3])]), "embedded_class_score")][0] == "outputs/y"  # fmt: skip  # noqa: E501, RUF015


def test_seeds_and_versions_may_differ_and_nothing_else(make):
    other = {**CARD, "seed": 2, "versions": {"torch": "2.11"}}
    assert differences(entries([make("a", fid=[1]), make("b", other, fid=[2])]), "fid") == []
    fewer = {**CARD, "generated_images": 1000, "resize": "antialias"}
    assert differences(entries([make("c", fid=[1]), make("d", fewer, fid=[2])]), "fid") == [
        "resize is tf1 in outputs/c, antialias in outputs/d",
        "generated_images is 5000 in outputs/c, 1000 in outputs/d",
    ]


def test_what_a_card_says_of_other_scores_is_no_matter(make):
    few = {**CARD, "covariance_dtype": "float64", "concerns": {"fid": ["covariance_dtype"]}}
    more = {**few, "kernel": "cubic", "neighbours": 5, "concerns": {
        **few["concerns"], "kid": ["kernel"], "recall": ["neighbours"], "coverage": ["neighbours"],
    }}  # fmt: skip
    runs = [make("a", few, fid=[1], kid=[1], recall=[1]), make("b", more, fid=[2], kid=[1], recall=[1])]
    found = entries([*runs, make("before", CARD | {"covariance_dtype": "float64"}, fid=[1], kid=[1], recall=[1])])
    assert differences(found, "fid") == []
    assert differences(found[:2], "kid") == ["kernel is null in outputs/a, cubic in outputs/b"]
    assert differences(found[:2], "recall") == ["neighbours is null in outputs/a, 5 in outputs/b"]
    assert differences(found[:2], "recall/sea") == differences(found[:2], "recall")


def test_a_protocol_for_each_score_is_compared_for_that_score(make):
    measures = {"rmse": {"of": "places"}, "lpips": {"network": "alex"}}
    other = {"rmse": {"of": "places"}, "lpips": {"network": "vgg"}}
    runs = [make(name, {"measures": of}, rmse=[1], input_lpips=[1]) for name, of in (("a", measures), ("b", other))]
    assert differences(entries(runs), "rmse") == []
    assert "measures is" in differences(entries(runs), "input_lpips")[0]


def test_unlike_scores_are_shown_but_not_ranked(make, tmp_path):
    result = compare(tmp_path, make("a", fid=[1.5]), make("b", {**CARD, "resize": "antialias"}, fid=[1.25]))
    assert isinstance(result.exception, UserError)
    assert "resize is tf1 in outputs/a, antialias in outputs/b" in str(result.exception)
    rows = [line.split()[:3] for line in result.output.splitlines() if "outputs/" in line]
    assert rows == [["–", "outputs/a", "1.5"], ["–", "outputs/b", "1.25"]]


def test_programs_get_what_people_see_and_the_cards(make, tmp_path):
    runs = [make("a", fid=[3, 1.5, 2]), make("b", fid=[1, "nan"])]
    found = json.loads(compare(tmp_path, *runs, "--json").output)
    assert (found["metric"], found["higher_is_better"], found["not_comparable"]) == ("fid", False, [])
    assert [(run["name"], run["best"], run["card"]) for run in found["runs"]] == [
        ("outputs/b", {"step": 100, "images": 3200, "value": 1}, CARD),
        ("outputs/a", {"step": 200, "images": 6400, "value": 1.5}, CARD),
    ]
    assert [run["last"]["value"] for run in found["runs"]] == [None, 2]  # JSON knows no NaN
    assert (tmp_path / "plot.png").is_file()

    result = compare(tmp_path, runs[0], make("c", {**CARD, "resize": "antialias"}, fid=[1.25]), "--json")
    assert isinstance(result.exception, UserError)
    assert json.loads(result.output)["not_comparable"] == ["resize is tf1 in outputs/a, antialias in outputs/c"]


def test_a_run_that_diverged_comes_last_and_its_finite_scores_count(make):
    found = entries([make("a", fid=["nan", "nan"]), make("b", fid=[7, "nan"]), make("c", fid=[9, 8])])
    assert [entry.name for entry in ranked(found, "fid")] == ["outputs/b", "outputs/c", "outputs/a"]


def test_the_metric_is_one_that_all_runs_have(make):
    first = make("a", monitor="fid", intra_fid=[2], kid=[1], fid=[1])
    found = entries([first, make("b", monitor="precision", intra_fid=[2], fid=[1], precision=[1])])
    assert metric_of(found, None) == "fid"  # which chose the first one's best
    assert metric_of(entries([make("e", intra_fid=[2], fid=[1])]), None) == "intra_fid"
    assert metric_of(found, "val/fid") == "fid"
    with pytest.raises(
        UserError, match=r"--metric: all of these runs have \['intra_fid', 'fid'\], got 'fit'; did you mean 'fid'\?"
    ):
        metric_of(found, "fit")
    with pytest.raises(UserError, match=r"got 'precisoin'; did you mean 'precision'\?"):
        metric_of(found, "precisoin")
    with pytest.raises(UserError, match=r"--metric: there is no precision in outputs/a; all of these runs have \["):
        metric_of(found, "precision")
    with pytest.raises(UserError, match="no score in common"):
        metric_of(entries([make("c", fid=[1]), make("d", kid=[1])]), None)


def test_scores_from_before_the_card_do_not_count(make):
    run = make("a", fid=[5, 20, 30])
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"card_since": 101}))
    (entry,) = entries([run])
    assert entry.best("fid") == (200, 6400, 20)
    (run / "run.json").write_text(json.dumps(record | {"card_since": 301}))
    with pytest.raises(UserError, match="has not come to a validation with its metrics yet"):
        entries([run])


def test_infinity_is_never_the_best_and_a_class_says_nothing_of_the_direction(make):
    found = entries([make("a", **{"is": ["inf", "inf"]}), make("b", **{"is": [4, 5]})])
    assert [entry.name for entry in ranked(found, "is")] == ["outputs/b", "outputs/a"]
    assert not is_high("intra_fid/high_precision")
    assert is_high("embedded_precision")
    assert is_high("input_psnr")
    assert is_high("ssim")


@pytest.mark.parametrize("name", ["plot", "plot.jpg", "folder.png"])
def test_a_plot_that_cannot_be_written_is_refused_at_once(name, make, tmp_path):
    (tmp_path / "folder.png").mkdir()
    result = CliRunner().invoke(app, ["compare", str(make("a", fid=[1])), "--out", str(tmp_path / name)])
    assert isinstance(result.exception, UserError)
    assert "--out: must be a file that ends in one of .pdf, .png, .svg" in str(result.exception)


def test_a_plot_is_what_its_name_says(make, tmp_path):
    CliRunner().invoke(app, ["compare", str(make("a", fid=[1, 2])), "--out", str(tmp_path / "plot.pdf")])
    assert (tmp_path / "plot.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "PNG"])
def test_only_a_plot_of_this_command_is_written_over(suffix, make, tmp_path):
    run, out = make("a", fid=[1, 2]), tmp_path / f"plot.{suffix}"
    for _ in range(2):
        assert CliRunner().invoke(app, ["compare", str(run), "--out", str(out)]).exit_code == 0
    for theirs in (out.read_bytes().replace(b"atelier compare", b"a friend's comp"), b"a diary"):
        out.write_bytes(theirs)
        result = CliRunner().invoke(app, ["compare", str(run), "--out", str(out)])
        assert isinstance(result.exception, UserError)
        assert str(result.exception) == f"--out: {out} is another file, which would be lost: name another"
        assert out.read_bytes() == theirs


def test_nobody_elses_comparison_is_written_over_unasked(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compare.png").write_bytes(b"a photograph")
    result = CliRunner().invoke(app, ["compare", str(make("a", fid=[1, 2]))])
    assert str(result.exception) == "--out: compare.png is another file, which would be lost: name another"
    assert (tmp_path / "compare.png").read_bytes() == b"a photograph"


def test_a_place_that_cannot_be_written_is_told_first(make, tmp_path):
    (tmp_path / "file").touch()
    words = ["compare", make("a", fid=[1, 2]), "--out", tmp_path / "file" / "below" / "plot.png"]
    result = CliRunner().invoke(app, [*map(str, words)])
    assert str(result.exception).startswith(f"--out: nothing can be written to '{tmp_path / 'file' / 'below'}'")
    assert result.output == ""


def test_programs_get_no_plot_unasked(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["compare", str(make("a", fid=[1, 2])), "--json"])
    assert json.loads(result.output)["runs"][0]["best"]["value"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]


def test_names_are_as_long_as_it_takes(make):
    runs = [make("a/seed=1", fid=[1]), make("b/seed=1", fid=[1])]
    assert [entry.name for entry in entries(runs)] == ["a/seed=1", "b/seed=1"]


def test_a_run_is_compared_once_whatever_the_way_to_it(make, monkeypatch):
    run, other = make("a", fid=[1]), make("b", fid=[2])
    (other.parent / "link").symlink_to(run)
    monkeypatch.chdir(run)
    for way in (run, Path(), Path("../a"), Path("../link")):
        with pytest.raises(UserError, match=f"^RUNS: {way} is named twice"):
            entries([other, run, way])
    assert [entry.name for entry in entries([Path("../link"), Path("../b")])] == ["outputs/link", "outputs/b"]


def test_what_is_no_run_or_has_no_scores_is_said(make, tmp_path):
    with pytest.raises(UserError, match=r"not a run folder that has begun: no run\.json"):
        entries([tmp_path])
    run = make("a", fid=[1])
    (run / "metrics.csv").write_text("step,images_seen,generator/adversarial\n100,3200,0.5\n")
    with pytest.raises(UserError, match="has no scores"):
        entries([run])
    for damaged in (b'{"status": "fin', b"\xff\xfe", b"[]"):
        (run / "run.json").write_bytes(damaged)
        with pytest.raises(UserError, match=r"its run\.json cannot be read"):
            entries([run])
    for nothing in (run / "metrics.csv", Path("/")):
        with pytest.raises(UserError, match="not a run folder that has begun"):
            entries([nothing])


NAMES = ["_old/r1[v2]", r"lr$\frac$", "r$a_1$b", "_hidden", "[red]", "ギャラリー"]


def test_names_are_shown_as_they_are(make, tmp_path, monkeypatch):
    """Brackets are no colours of a terminal; nor does anything of a name end the command, or warn."""
    monkeypatch.setenv("COLUMNS", "200")
    runs = [make(name, fid=[number, 2]) for number, name in enumerate(NAMES)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare(tmp_path, *runs)
    assert result.exit_code == 0, result.output
    assert all(name.rpartition("/")[2] in result.output for name in NAMES)


def test_names_in_the_plot_are_no_formulas_and_all_in_the_legend(make, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "save", lambda figure, *_: drawn.append(figure))
    curves.plot(entries([make(name, fid=[1, 2]) for name in NAMES]), "fid", tmp_path / "plot.png")
    texts = drawn[0].legends[0].get_texts()
    assert [text.get_text() for text in texts] == [f"{'outputs/' * ('/' not in name)}{name}  1" for name in NAMES]
    assert not any(text.get_parse_math() for text in texts)
    assert matplotlib.rcParams["text.parse_math"]


def test_a_name_that_is_not_in_utf_8_is_drawn_by_its_codes(make, tmp_path):
    """As a folder of an old disk may have it."""
    curves.plot(entries([make("alt\udce4r", fid=[1, 2])]), "fid", tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").stat().st_size
