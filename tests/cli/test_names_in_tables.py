"""Names of people's folders and classes may have brackets, which rich takes for markup."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.cli.scoring.runs import Scored
from atelier.cli.scoring.tables import print_scores
from atelier.cli.sweep.report import Report
from atelier.cli.sweep.sheet import sheet
from atelier.data import progress

NAME = "[red]rose[/red]"


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_a_class_in_the_table_of_scores(capsys):
    print_scores(Scored({f"intra_fid/{NAME}": 1.0}, {"extractor": NAME}))
    assert capsys.readouterr().out.count(NAME) == 2


@pytest.mark.parametrize(("command", "variable"), [("cache", "ATELIER_CACHE"), ("weights", "ATELIER_WEIGHTS")])
def test_a_folder_over_its_list(command, variable, tmp_path, monkeypatch):
    root = tmp_path / NAME.replace("/", "-") / "[v2]"
    (root / "pixels" / "[old]").mkdir(parents=True)
    monkeypatch.setenv(variable, str(root))
    text = CliRunner().invoke(app, [command, "list"]).output.replace("\n", "")
    assert str(root) in text
    assert command == "weights" or "[old]" in text


def test_a_score_over_the_table_of_a_sweep(capsys):
    Console().print(sheet(Report(Path(), f"intra_fid/{NAME}", [], [])))
    assert NAME in capsys.readouterr().out


def test_what_a_bar_is_over(monkeypatch, capsys):
    terminal = Console(force_terminal=True, color_system=None, width=120, stderr=True)
    monkeypatch.setattr(progress, "Console", lambda stderr: terminal)
    with progress.bar(f"stylizing by {NAME}", 2) as advance:
        advance()
    assert NAME in capsys.readouterr().err
