"""Tiles as large as memory allows, whatever the picture's shape."""

import pytest

from atelier.errors import UserError
from atelier.stylize.memory import LEAST, Cost

MIB = 1 << 20


def window(side, reach, size):
    """Pixels of the largest one."""
    return min(side + 2 * reach, size[0]) * min(side + 2 * reach, size[1])


@pytest.mark.parametrize("size", [(1000, 1000), (4096, 4096), (400, 20_000), (20_000, 130)])
@pytest.mark.parametrize(("reach", "stride"), [(0, 1), (20, 8), (78, 16)])
def test_windows_fill_the_memory_and_no_more(size, reach, stride):
    cost = Cost(whole=20, window=300)
    pixels = size[0] * size[1]
    memory = int(cost.whole * pixels + 0.5 * cost.window * pixels)
    side = cost.side_within(memory, size, reach, stride)
    assert side % stride == 0
    assert cost.whole * pixels + cost.window * window(side, reach, size) <= memory
    assert cost.whole * pixels + cost.window * window(side + stride + 1, reach, size) > memory


def test_what_fits_is_not_cut():
    cost = Cost(whole=20, window=300)
    assert cost.of(100, 200) == 320 * 20_000
    assert cost.side_within(320 * 20_000, (100, 200), 30, 8) is None
    assert cost.side_within(320 * 20_000 - 1, (100, 200), 0, 8) is not None


@pytest.mark.parametrize("size", [(2000, 1500), (90, 30_000)])
def test_the_least_that_it_names_is_enough(size):
    """The smallest tiles are then of 64 pixels; a MiB less will not do."""
    cost, reach = Cost(whole=20, window=300), 30
    with pytest.raises(
        UserError, match=f"--max-memory: {size[1]} x {size[0]} pixels need [0-9,]+ MiB at least"
    ) as told:
        cost.side_within(MIB, size, reach, 8)
    least = int(str(told.value).split("need ")[1].split(" ")[0].replace(",", "")) * MIB
    assert cost.side_within(least, size, reach, 8) >= LEAST
    with pytest.raises(UserError, match="--max-memory"):
        cost.side_within(least - MIB, size, reach, 8)
