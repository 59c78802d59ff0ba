"""What `--help` says, in the width of a usual terminal."""

import re
from importlib.metadata import version

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


def test_the_version_is_told():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"atelier {version('atelier')}\n")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("sample", ["RUN"]), ("interpolate", ["RUN"]), ("evaluate", ["RUN"]), ("audit", ["RUN"]),
        ("timelapse", ["RUN"]),
        ("translate", ["RUN", "INPUT"]), ("restore", ["RUN", "INPUT"]), ("stylize", ["METHOD"]),
        ("leaderboard", ["METHOD"]), ("compare", ["RUNS"]), ("shard", ["DATA", "OUT"]), ("cache clear", ["KIND"]),
        ("weights fetch", ["NAME"]), ("weights verify", ["NAME"]), ("weights join", ["CLONE"]),
    ],
)  # fmt: skip
def test_arguments_are_called_as_errors_call_them(command, arguments, told):
    _, _, lines = told(*command.split()).partition("Arguments:\n")
    found = re.findall(r"^  (\S+)", lines.partition("\n\n")[0], flags=re.MULTILINE)
    assert found == arguments


@pytest.mark.parametrize("command", ["cache", "weights"])
def test_every_command_of_a_group_is_told_in_a_whole_line(command, told):
    _, lines = told(command).split("Commands:\n")
    assert "..." not in lines


@pytest.mark.parametrize("command", ["sample", "interpolate", "evaluate", "audit", "stylize", "translate", "restore"])
def test_what_a_checkpoint_is_for_is_told(command, told):
    assert "Checkpoint file to use [default: the run's best]." in " ".join(told(command).split())


@pytest.mark.parametrize(("command", "measures"), [("score", score.MEASURES), ("leaderboard", leaderboard.MEASURES)])
def test_no_line_breaks_in_the_midst_of_a_measures_name(command, measures, told):
    found = told(command)
    for name in measures.split(","):
        assert name in found
