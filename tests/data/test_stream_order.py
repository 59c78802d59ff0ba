"""The order of training from shards, which no process and no interruption changes."""

from itertools import islice

import numpy as np
import pytest

from atelier.data.shard_order import ShardOrder

SHARDS = [7, 0, 30, 12, 1, 25, 18, 30, 9]
TOTAL = sum(SHARDS)
SHARD_OF = np.repeat(np.arange(len(SHARDS)), SHARDS)


def order(batch_size=4, seed=0, **options):
    return ShardOrder(SHARDS, batch_size, seed, **options)


def epoch(number, batch_size=1, **options):
    """All that is drawn in one."""
    batches = TOTAL // batch_size
    draws = [order(batch_size, **options).draw(number * batches + place) for place in range(batches)]
    return np.concatenate([draw.indices for draw in draws]), np.concatenate([draw.flips for draw in draws])


@pytest.mark.parametrize("window", [1, 2, 4, 20])
def test_every_epoch_is_a_permutation_of_its_own(window):
    first, second = (epoch(number, window=window)[0] for number in (0, 1))
    for drawn in (first, second):
        assert sorted(drawn) == [*range(TOTAL)]
    assert (first != second).mean() > 0.9
    assert (first != epoch(0, seed=1, window=window)[0]).mean() > 0.9


def test_batches_are_whole_and_an_epochs_leftover_stays_out():
    drawn, _ = epoch(0, batch_size=16)
    assert len(drawn) == len({*drawn}) == TOTAL // 16 * 16
    assert (drawn == epoch(0)[0][: len(drawn)]).all()  # the size of batches cuts the order, and does not change it


@pytest.mark.parametrize("world", [1, 2, 4])
def test_ranks_see_together_what_one_would_alone(world):
    alone = order(8)
    ranks = [order(8, rank=rank, world=world) for rank in range(world)]
    for number in (0, 1, 15, 16, 40):
        shares = [rank.draw(number) for rank in ranks]
        whole = alone.draw(number)
        assert (np.concatenate([share.indices for share in shares]) == whole.indices).all()
        assert (np.concatenate([share.flips for share in shares]) == whole.flips).all()
        assert all((share.ahead == whole.ahead).all() for share in shares)


@pytest.mark.parametrize("start", [0, 3, 32, 33, 70])
def test_begun_anywhere_it_goes_on_as_from_the_beginning(start):
    whole = [*islice(order().since(0), start + 6)]
    for resumed, expected in zip(order().since(start), whole[start:], strict=False):
        assert all((one == other).all() for one, other in zip(resumed, expected, strict=True))


@pytest.mark.parametrize("window", [1, 3, 5])
def test_few_shards_are_wanted_at_a_time_and_each_for_one_stretch(window):
    shards = SHARD_OF[epoch(0, window=window)[0]]
    stretches = {shard: np.flatnonzero(shards == shard)[[0, -1]] for shard in {*shards}}
    for place in range(TOTAL):
        assert sum(first <= place <= last for first, last in stretches.values()) <= window


def test_pictures_of_a_window_are_mixed():
    """A shard's pictures are spread over more than its own length, and neighbours seldom are of the same."""
    drawn, _ = epoch(0, window=4)
    places = np.argsort(drawn)
    for shard in (2, 5, 7):
        assert places[shard == SHARD_OF].std() > 1.4 * np.arange(SHARDS[shard]).std()
    assert (np.diff(SHARD_OF[drawn]) == 0).mean() < 0.5
    assert (np.diff(SHARD_OF[epoch(0, window=1)[0]]) == 0).mean() > 0.9


def test_what_is_wanted_next_is_announced():
    draws = [order(window=2, ahead=2).draw(number) for number in range(3 * (TOTAL // 4))]
    known = {*SHARD_OF[draws[0].indices]} | {*draws[0].ahead.tolist()}
    for draw in draws[1:]:
        assert {*SHARD_OF[draw.indices]} <= known  # a batch here reaches two shards ahead at most
        assert len(draw.ahead) == 2
        assert all(SHARDS[shard] for shard in draw.ahead)
        known |= {*draw.ahead.tolist()}


def test_half_are_mirrored_and_others_in_the_next_epoch():
    (indices, flips), (others, other_flips) = epoch(0), epoch(1)
    assert 0.35 < flips.mean() < 0.65
    assert 0.3 < (flips[np.argsort(indices)] != other_flips[np.argsort(others)]).mean() < 0.7
    assert not epoch(0, hflip=False)[1].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be from 1 to the 132 pictures, got 0"),
        ({"batch_size": 133}, "batch_size must be from 1 to the 132 pictures, got 133"),
        ({"batch_size": 6, "world": 4}, "batch_size must be a multiple of the 4 ranks, got 6"),
        ({"window": 0}, "window must be at least 1, got 0"),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match=message):
        order(**options)
