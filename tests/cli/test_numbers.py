import pytest
import torch
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.cli.numbers import LAST_SEED, numbers, ranges
from atelier.errors import UserError


def test_lists_are_read():
    assert numbers("--seeds", "3, 17,5", least=2) == [3, 17, 5]
    assert ranges("--layers", "0-2,5", end=6) == [0, 1, 2, 5]
    assert ranges("--layers", "4,3-3", end=6) == [3, 4]


@pytest.mark.parametrize("text", ["3", "", "3,x", "3,-1", "3,"])
def test_what_is_no_list_of_numbers_is_refused(text):
    with pytest.raises(UserError, match=rf"--seeds: must be 2 or more numbers such as 3,17, got '{text}'"):
        numbers("--seeds", text, least=2)


@pytest.mark.parametrize("text", ["6", "3-6", "", "x", "3-1", "-1", "1-"])
def test_what_is_no_list_of_ranges_is_refused(text):
    with pytest.raises(UserError, match=rf"--layers: must be numbers from 0 to 5 such as 0-3, got '{text}'"):
        ranges("--layers", text, end=6)


@pytest.mark.parametrize("command", ["audit", "breed", "interpolate", "leaderboard", "sample", "score", "stylize"])
def test_seeds_are_those_that_torch_takes_and_no_two_draw_alike(command):
    torch.Generator().manual_seed(LAST_SEED)
    for seed in (-1, LAST_SEED + 1, 99999999999999999999):
        result = CliRunner().invoke(app, [command, "--seed", str(seed)])
        assert result.exit_code == 2
        assert "Invalid value for '--seed'" in result.stderr
