import pytest
import torch
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.cli.numbers import LAST_SEED, LAST_SEED_OF_TORCH, numbers, ranges
from atelier.cli.trained import Trained
from atelier.errors import UserError


def test_lists_are_read():
    assert numbers("--images", "3, 17,5", least=2) == [3, 17, 5]
    assert ranges("--layers", "0-2,5", end=6) == [0, 1, 2, 5]
    assert ranges("--layers", "4,3-3, 0 - 1", end=6) == [0, 1, 3, 4]


@pytest.mark.parametrize("text", ["3", "", "3,x", "3,-1", "3,"])
def test_what_is_no_list_of_numbers_is_refused(text):
    with pytest.raises(UserError, match=rf"--images: must be 2 or more numbers such as 3,17, got '{text}'"):
        numbers("--images", text, least=2)


NO_RANGES = ["6", "3-6", "", "x", "3-1", "-1", "1-", "0-1-2", "0,5-3", "0--2", "0,", "1_0"]


@pytest.mark.parametrize("text", [*NO_RANGES, pytest.param("9" * 5000, id="long")])
def test_what_is_no_list_of_ranges_is_refused(text):
    with pytest.raises(UserError, match=rf"--layers: must be numbers from 0 to 5 such as 0-3, got '{text}'"):
        ranges("--layers", text, end=6)


LAST_SEEDS = {
    **dict.fromkeys(["audit", "breed", "interpolate", "sample", "score"], LAST_SEED),
    **dict.fromkeys(["leaderboard", "stylize"], LAST_SEED_OF_TORCH),
}


def test_no_two_seeds_draw_alike(plain):
    seeds = (0, 1, 2**31, LAST_SEED_OF_TORCH, LAST_SEED_OF_TORCH + 1)
    drawn = [torch.rand(3, generator=torch.Generator().manual_seed(seed)).tolist() for seed in seeds]
    assert drawn[0] == drawn[-1]
    assert len({*map(tuple, drawn)}) == len(seeds) - 1
    trained = Trained(plain)
    drawn = [trained.draw(seed, [0]).vectors[0].tolist() for seed in (*seeds, LAST_SEED)]
    assert len({*map(tuple, drawn)}) == len(drawn)


@pytest.mark.parametrize("command", LAST_SEEDS)
def test_seeds_are_those_of_which_no_two_draw_alike(command):
    last = CliRunner().invoke(app, [command, "--seed", str(LAST_SEEDS[command])])
    assert "Invalid value for '--seed'" not in last.stderr
    for seed in (-1, LAST_SEEDS[command] + 1, 99999999999999999999):
        result = CliRunner().invoke(app, [command, "--seed", str(seed)])
        assert result.exit_code == 2
        assert "Invalid value for '--seed'" in result.stderr
