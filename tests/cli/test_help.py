"""What `--help` says, in the width of a usual terminal."""

import re

import pytest
from typer.testing import CliRunner

from atelier.cli import leaderboard, score
from atelier.cli.main import app


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERMINAL_WIDTH", raising=False)
    return lambda *words: CliRunner().invoke(app, [*words, "--help"]).output


def test_every_command_is_told_in_a_whole_line(told):
    _, lines = told().split("Commands:\n")
    found = [line.split(maxsplit=1) for line in lines.splitlines()]
    assert len(found) == len(app.registered_commands) + len(app.registered_groups)
    for command in found:
        assert re.fullmatch(r"[A-Z].{10,58}\.", command[1]), command
        assert not command[1].endswith("..")


@pytest.mark.parametrize(("command", "measures"), [("score", score.MEASURES), ("leaderboard", leaderboard.MEASURES)])
def test_no_line_breaks_in_the_midst_of_a_measures_name(command, measures, told):
    found = told(command)
    for name in measures.split(","):
        assert name in found
