import json
import os
import re
import time

import pytest
from PIL import Image
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.cli.sweep.report import report
from atelier.cli.sweep.sheet import short
from atelier.errors import UserError
from atelier.sweeps.ledger import Ledger

CARD = {"extractor": "inception", "generated_images": 5000}


@pytest.fixture
def sweep(tmp_path):
    """Two losses with two seeds each, and what became of them."""
    ledger = Ledger(tmp_path / "sweep")
    jobs = [[f"loss={loss}", "trainer.max_steps=8", f"seed={seed}"] for loss in ("a", "b", "c") for seed in (1, 2)]
    ledger.add(jobs)

    def run(index, status, fid, recall=(0.1, 0.2), card=CARD, monitor="fid", names=("fid", "recall"), **facts):
        loss, _, seed = jobs[index]
        folder = ledger.folder / loss / seed
        folder.mkdir(parents=True)
        rows = [f"{4 * (i + 1)},{16 * (i + 1)},{fid[i]},{recall[i]}" for i in range(len(fid))]
        (folder / "metrics.csv").write_text("\n".join([f"step,images_seen,val/{names[0]},val/{names[1]}", *rows, ""]))
        (folder / "run.json").write_text(json.dumps({"status": status, "monitor": monitor, "card": card}))
        ledger.begin(jobs[index], folder).end(status, **{"score": min(fid, default=float("inf")), **facts})

    run(0, "done", [30.0, 20.0])
    run(1, "done", [30.0, 24.0])
    run(2, "done", [9.0, 10.0])
    run(3, "interrupted", [3.0], score=float("inf"), reason="stopped at step 4")
    run(4, "failed", [], score=float("inf"), reason="Traceback (most …\n  File x\nZeroDivisionError: a bug", code=1)
    return ledger.folder, run


def test_groups_are_ranked_by_the_mean_over_their_seeds(sweep):
    found = report(sweep[0])
    assert [(group.name, group.mean, len(group.rows)) for group in found.groups] == [
        ("loss=b", 9.0, 2), ("loss=a", 22.0, 2), ("loss=c", None, 2),
    ]  # fmt: skip
    assert found.groups[1].deviation == pytest.approx(8**0.5)
    assert found.groups[0].deviation is None, "the other seed has not all its steps"
    assert found.metric == "fid"


def test_another_metric_may_rank_the_other_way(sweep):
    found = report(sweep[0], "recall")
    assert found.way == "higher is better"
    assert [group.mean for group in found.groups] == [pytest.approx(0.2), pytest.approx(0.2), None]
    with pytest.raises(UserError, match="--metric"):
        report(sweep[0], "precision")


def test_the_report_is_shown_written_and_drawn(sweep, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0])])
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines() if " loss=" in line]
    assert rows[0][:3] == ["1", "loss=b", "9"]
    assert rows[1][:5] == ["2", "loss=a", "22", "2.828", "20"]
    assert rows[2][:3] == ["–", "loss=c", "–"]
    assert "interrupted: loss=b seed=2: stopped at step 4" in result.output
    assert "failed: loss=c seed=1: ZeroDivisionError: a bug" in result.output
    assert "6 jobs: 3 done, 1 interrupted, 1 failed, 1 pending" in result.output
    page = (sweep[0] / "report.md").read_text()
    assert "| 2 | loss=a | 22 | 2.828 | 20 | 2 done |" in page
    assert "![scores](report.png)" in page
    with Image.open(sweep[0] / "report.png") as picture:
        assert picture.width == 1800
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 100


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (0, "running: loss=c seed=2: an unknown process is at it"),
        (9999, "interrupted: loss=c seed=2: ended without a word (an unknown process); the sweep goes on with it"),
    ],
)
def test_a_job_whose_file_is_torn_is_told_in_words(since, told, sweep):
    torn = Ledger(sweep[0]).begin(["loss=c", "trainer.max_steps=8", "seed=2"], sweep[0] / "run").path
    torn.write_text('{"overr')
    os.utime(torn, (time.time() - since,) * 2)
    assert told in CliRunner().invoke(app, ["sweep-report", str(sweep[0])]).output.splitlines()


def test_json_has_every_job(sweep, tmp_path):
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--json", "--out", str(tmp_path / "there")])
    found = json.loads(result.output)
    assert found["metric"] == "fid"
    jobs = [job for group in found["groups"] for job in group["jobs"]]
    assert sorted((job["status"], job["score"]) for job in jobs if job["score"]) == [
        ("done", 9.0), ("done", 20.0), ("done", 24.0), ("interrupted", 3.0),
    ]  # fmt: skip
    assert {job["status"]: job["reason"] for job in jobs}["pending"] == "not begun"
    assert (tmp_path / "there" / "report.png").exists()
    assert not (sweep[0] / "report.md").exists()


def test_scores_of_different_kinds_are_not_ranked(sweep):
    sweep[1](5, "done", [1.0], card={**CARD, "extractor": "dinov2"})
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0])])
    assert "not ranked, for the scores are of different kinds: extractor is" in result.output
    assert not [line for line in result.output.splitlines() if line.split()[:1] == ["1"]]
    assert "Not ranked" in (sweep[0] / "report.md").read_text()


def test_a_job_counts_by_the_score_that_is_shown_whatever_chose_its_best(sweep):
    sweep[1](5, "done", [0.25, 0.5], recall=(40.0, 28.0), monitor="kid", names=("kid", "fid"))
    assert [(group.name, group.mean) for group in report(sweep[0]).groups] == [
        ("loss=b", 9.0), ("loss=a", 22.0), ("loss=c", 28.0),
    ]  # fmt: skip


def test_a_job_without_the_score_that_is_shown_is_left_out_and_named(sweep):
    sweep[1](5, "done", [0.25, 0.5], monitor="kid", names=("kid", "recall"))
    found = report(sweep[0])
    assert (found.metric, found.unlike) == ("fid", [])
    assert [group.mean for group in found.groups] == [9.0, 22.0, None]
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0])])
    assert "without fid: loss=c seed=2" in result.output
    assert "* without fid: loss=c seed=2" in (sweep[0] / "report.md").read_text()
    assert [row.score for row in report(sweep[0], "kid").rows if row.score] == [0.25]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("run.json", "{", r"its run\.json cannot be read \("),
        ("run.json", "[]", r"its run\.json cannot be read \(there is no record in it\)"),
        ("metrics.csv", "diary\n", "not a record of a run: "),
    ],
)
def test_a_job_whose_record_is_damaged_is_left_out_and_named(name, content, told, sweep):
    (sweep[0] / "loss=a" / "seed=1" / name).write_text(content)
    assert [group.mean for group in report(sweep[0]).groups] == [9.0, 24.0, None]
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0])])
    assert result.exit_code == 0
    assert re.search(rf"^damaged: loss=a seed=1: .*seed=1\b.*{told}", result.output, re.MULTILINE)
    assert "## Left out\n\n* damaged: loss=a seed=1: " in (sweep[0] / "report.md").read_text()
    found = json.loads(CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--json"]).output)
    (job,) = [job for job in found["groups"][1]["jobs"] if job["seed"] == "1"]
    assert (job["status"], job["score"]) == ("done", None)
    assert re.search(told, job["reason"])


def test_a_sweep_that_has_just_begun_has_a_report(tmp_path):
    Ledger(tmp_path).add([["seed=1"], ["seed=2"]])
    result = CliRunner().invoke(app, ["sweep-report", str(tmp_path)])
    assert result.exit_code == 0
    assert "no scores yet" in result.output
    assert "2 jobs: 2 pending" in result.output
    assert (tmp_path / "report.png").exists()


@pytest.mark.parametrize(("name", "text"), [("nowhere", "no such folder"), (".", "is no sweep's folder")])
def test_what_is_no_sweep_is_one_line(name, text, tmp_path):
    result = CliRunner().invoke(app, ["sweep-report", str(tmp_path / name)])
    assert isinstance(result.exception, UserError)
    assert text in str(result.exception)
    assert not [*tmp_path.iterdir()]


def test_a_searchs_numbers_are_cut_where_they_are_shown():
    assert short("lr=0.0060374485 b=8.958105026e-05 c=0.125 d=x0.12345678") == (
        "lr=0.006037 b=8.958e-05 c=0.125 d=x0.12345678"
    )


@pytest.mark.parametrize("name", ["report.md", "report.png"])
def test_nobody_elses_report_is_written_over(name, sweep, tmp_path):
    out = tmp_path / "mine"
    assert CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--out", str(out)]).exit_code == 0
    assert CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--out", str(out)]).exit_code == 0
    (out / name).write_text("a diary")
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--out", str(out)])
    assert isinstance(result.exception, UserError)
    assert str(result.exception) == f"--out: {out / name} is another file, which would be lost: name another"
    assert (out / name).read_text() == "a diary"


def test_json_alone_writes_nothing(sweep):
    before = {*sweep[0].rglob("*")}
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--json"])
    assert json.loads(result.output)["metric"] == "fid"
    assert {*sweep[0].rglob("*")} == before


def test_the_table_is_shown_where_nothing_can_be_written(sweep, tmp_path):
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["sweep-report", str(sweep[0]), "--out", str(tmp_path / "file")])
    assert isinstance(result.exception, UserError)
    assert str(result.exception) == f"--out: must be a folder, and {str(tmp_path / 'file')!r} is none"
    assert "6 jobs: 3 done" in result.output
