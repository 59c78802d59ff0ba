"""The command line says the same to all who read it before Hydra does."""

from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from atelier import command_line, resume
from atelier.distributed import external
from atelier.errors import UserError


@pytest.mark.parametrize("words", [["-m", "seed=1,2"], ["seed=1,2", "--multirun"]])
def test_a_sweep_is_asked_for(words):
    assert command_line.is_multirun(words)


@pytest.mark.parametrize("words", [[], ["seed=1"], ["run_dir=-m"]])
def test_no_sweep_is_asked_for(words):
    assert not command_line.is_multirun(words)


@pytest.mark.parametrize(
    "text", ["outputs/x", "'outputs/x'", '"outputs/x"', "auto", "'null'", "null", "NULL", "", "''"]
)
def test_a_value_is_what_hydra_makes_of_it(text):
    read = OverridesParser.create().parse_override(f"resume={text}").value()
    assert command_line.value("resume", [f"resume={text}"]) == (read or None)


def test_the_last_value_counts():
    assert command_line.value("seed", ["seed=1", "model=dcgan", "seed=2"]) == "2"
    assert command_line.value("seed", ["model=dcgan", "data.seed=2"]) is None


@pytest.fixture
def by_torchrun(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("text", ["null", "Null", "auto", "'auto'", "", "''"])
def test_whoever_reads_it_takes_this_for_no_run(text, by_torchrun):
    words = [f"resume={text}"]
    assert resume.arguments(words, Path("conf")) == words
    with pytest.raises(UserError, match="^run_dir: started by torchrun"):
        external.arguments(words)


@pytest.mark.parametrize("text", ["nowhere", "'nowhere'", "'null'"])
def test_whoever_reads_it_takes_this_for_a_run(text, by_torchrun):
    words = [f"resume={text}"]
    with pytest.raises(UserError, match="^resume: .* is no run folder"):
        resume.arguments(words, Path("conf"))
    assert external.arguments(words) == words
