from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.data.stream import Stream


def test_a_batch_depends_on_seed_and_number_only():
    stream = Stream(10, 3, seed=1)
    there = [stream.draw(number) for number in range(20)]
    back = [stream.draw(number) for number in reversed(range(20))][::-1]
    later = list(islice(Stream(10, 3, seed=1).since(7), 13))
    for one, other in [*zip(there, back, strict=True), *zip(there[7:], later, strict=True)]:
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_array_equal(one.flips, other.flips)
    other_seed = Stream(10, 3, seed=2)
    assert any((other_seed.draw(number).indices != there[number].indices).any() for number in range(5))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**40))
def test_an_epoch_shows_each_picture_at_most_once(pictures, batch_size, seed):
    if batch_size > pictures:
        pictures, batch_size = batch_size, pictures
    stream = Stream(pictures, batch_size, seed)
    batches = pictures // batch_size
    for epoch in range(2):
        seen = np.concatenate([stream.draw(epoch * batches + place).indices for place in range(batches)])
        assert len(seen) == batches * batch_size == len(np.unique(seen))
        assert seen.min() >= 0
        assert seen.max() < pictures


def test_the_pinned_order():
    """The order belongs to the results of every run: a change must be on purpose."""
    draw = Stream(8, 8, seed=0).draw(0)
    assert draw.indices.tolist() == [1, 4, 3, 0, 6, 5, 7, 2]
    assert draw.flips.tolist() == [False, True, False, False, False, True, True, True]


def test_every_place_is_equally_likely():
    orders = np.stack([Stream(4, 4, seed).draw(0).indices for seed in range(2000)])
    counts = np.stack([(orders == picture).sum(0) for picture in range(4)])
    assert np.abs(counts - 500).max() < 100  # five standard deviations


def test_half_is_mirrored_whatever_the_order():
    stream = Stream(1000, 1000, seed=3)
    flips = np.stack([stream.draw(number).flips for number in range(20)])
    assert abs(flips.mean() - 0.5) < 0.02
    assert abs(flips[:, :500].mean() - 0.5) < 0.03
    assert not Stream(1000, 1000, seed=3, hflip=False).draw(0).flips.any()


@pytest.mark.parametrize("world", [2, 3, 6])
def test_ranks_share_each_batch(world):
    whole = Stream(50, 12, seed=5)
    parts = [Stream(50, 12, seed=5, rank=rank, world=world) for rank in range(world)]
    for number in (0, 3, 4, 11):
        shared = [part.draw(number) for part in parts]
        np.testing.assert_array_equal(np.concatenate([draw.indices for draw in shared]), whole.draw(number).indices)
        np.testing.assert_array_equal(np.concatenate([draw.flips for draw in shared]), whole.draw(number).flips)


@pytest.mark.parametrize(("pictures", "batch_size", "world"), [(3, 4, 1), (3, 0, 1), (9, 4, 3)])
def test_refused(pictures, batch_size, world):
    with pytest.raises(ValueError, match=f"batch_size must be .* got {batch_size}"):
        Stream(pictures, batch_size, seed=0, world=world)
