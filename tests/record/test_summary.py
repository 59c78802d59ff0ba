import json
from math import nan

import pytest

from atelier.record.csv import CsvRecord
from atelier.record.summary import best, describe, summary


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "my run"
    record = CsvRecord(folder)
    for step, fid in ((500, 90.0), (1000, 60.0), (1500, 60.0), (2000, 75.0)):
        record.log_metrics({"images_seen": step * 64, "generator/adversarial": 0.1}, step)
        record.log_metrics({"val/fid": fid, "val/inception_score": 2.0}, step)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").touch()
    return folder


def note(run, **facts):
    (run / "run.json").write_text(json.dumps(facts))


def test_a_finished_run_tells_its_scores_and_the_next_commands(run):
    note(run, status="finished", steps=2010, wall_seconds=7500.0)

    told = describe(run, "val/fid").plain

    assert "finished     2,010 steps, 128,000 images, 2:05 h" in told
    assert "val/fid 60 at best, at step 1,000" in told
    assert "val/fid 75\n" in told
    assert f"atelier sample '{run}'" in told
    assert f"python train.py resume='{run}' trainer.max_steps=4020" in told


def test_a_run_whose_time_is_over_is_offered_more_of_it(run):
    note(run, status="finished", steps=2010, out_of_time=True)

    told = describe(run).plain

    assert "finished     2,010 steps, 128,000 images, 0 s: trainer.max_time is over" in told
    assert f"python train.py resume='{run}' trainer.max_time=…" in told


@pytest.mark.parametrize(
    ("makes", "asked"),
    [
        ("samples", "atelier sample '{run}'\n"),
        ("any style", "atelier stylize '{run}' --content … --style …\n"),
        ("learned styles", "atelier stylize '{run}' --content …\n"),
        ("picture", None),
    ],
)
@pytest.mark.parametrize("status", ["finished", "interrupted"])
def test_the_next_command_is_of_what_the_run_makes(makes, asked, status, run):
    note(run, status=status, makes=makes)

    told = describe(run).plain + "\n"

    assert told.count("atelier sample") + told.count("atelier stylize") == (asked is not None)
    assert asked is None or asked.format(run=run) in told
    assert f"python train.py resume='{run}'" in told


def test_a_picture_that_was_painted_is_named(run):
    note(run, status="finished", makes="picture")
    assert "picture.png" not in describe(run).plain
    (run / "picture.png").touch()
    assert f"picture      {run / 'picture.png'}\n" in describe(run).plain


def test_points_cannot_be_sampled(run):
    note(run, status="finished", makes="samples", pictures=False)

    assert "atelier sample" not in describe(run).plain


def test_a_run_that_did_not_finish_tells_how_to_go_on(run):
    note(run, status="interrupted", wall_seconds=10.0)

    told = describe(run).plain

    assert "interrupted  2,000 steps" in told
    assert f"python train.py resume='{run}'\n" in told
    assert "max_steps" not in told


def test_a_run_that_logged_nothing_has_a_summary_too(tmp_path):
    note(tmp_path, status="interrupted")

    told = describe(tmp_path, "val/fid").plain

    assert "interrupted  0 steps, 0 images, 0 s" in told
    assert "resume" not in told  # there is nothing to go on from


def test_scores_are_those_of_the_last_validation_and_the_best_is_of_their_card(run):
    """The run went on from step 2000 with another score, after one of step 1000 that none of now compares with."""
    record = CsvRecord(run, 2000)
    for step, kid in ((2500, 0.5), (3000, 0.7)):
        record.log_metrics({"images_seen": step * 64, "val/kid": kid}, step)
    record.log_metrics({"images_seen": 3001 * 64, "generator/adversarial": 0.1}, 3001)
    note(run, status="finished", card_since=2001)

    told = describe(run, "val/kid").plain

    assert "val/kid 0.5 at best, at step 2,500" in told
    assert "val/kid 0.7\n" in told
    assert "val/fid" not in told
    assert "at best" not in describe(run, "val/fid").plain


@pytest.mark.parametrize("status", ["finished", "interrupted"])
def test_a_job_of_a_sweep_is_not_led_out_of_it(status, run):
    (run / ".hydra").mkdir()
    (run / ".hydra" / "hydra.yaml").write_text("hydra: {mode: MULTIRUN}\n")
    (run.parent / "sweep.json").write_text("{}")
    note(run, status=status)

    told = describe(run).plain

    assert "resume=" not in told
    assert "atelier sample" in told


def test_commands_are_not_folded(run, capsys):
    note(run, status="finished", card={"extractor": "embedded"})

    summary(run)

    assert f"atelier evaluate '{run}'\n" in capsys.readouterr().err


def test_the_folder_is_named_as_one_would_type_it(run, monkeypatch):
    note(run, status="finished")
    monkeypatch.chdir(run.parent)

    assert "run          my run\n" in describe(run).plain


def test_best_is_the_first_lowest():
    rows = [{"step": 1, "a": 2.0}, {"step": 2}, {"step": 3, "a": 1.0}, {"step": 4, "a": 1.0}]

    assert best(rows, "a") == (1.0, 3)
    assert best(rows, "b") is None
    assert best([{"step": 1, "a": nan}, *rows], "a") == (1.0, 3)


def test_a_name_with_a_leading_dash_is_no_option_of_the_next_commands(run, monkeypatch):
    note(run, status="finished", steps=2010)
    monkeypatch.chdir(run.parent)
    assert "atelier sample ./-run\n" in describe(run.rename("-run").absolute()).plain
