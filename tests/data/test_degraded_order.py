"""In which order pictures are damaged and how, whoever looks: after a stop, in several processes, in validation."""

from itertools import islice

import numpy as np
import pytest
import torch
from batches import Place, exact, names
from coordinates import training
from degrading import HOLES, corners

from atelier.data.damaging import DamageStream


def validation(data):
    return [pair for batch in data.val_dataloader() for pair in zip(batch.content, batch.target, strict=True)]


def test_the_pinned_order():
    """The order belongs to the results of every run: a change must be on purpose."""
    draw = DamageStream(8, 4, seed=0, margin=16).draw(3)
    assert draw.indices.tolist() == [2, 6, 1, 7]
    assert draw.flips.tolist() == [True, False, False, True]
    assert draw.corners.tolist() == [[16, 14], [16, 10], [12, 14], [12, 11]]
    assert draw.seeds.tolist() == [8993577775045229426, 6608783133652338458, 9207772309495382104, 7353477504203479261]


def test_corners_and_seeds_are_independent():
    draws = [DamageStream(8, 8, seed=0, margin=3).draw(number) for number in range(500)]
    places = np.concatenate([draw.corners for draw in draws])
    seeds = np.concatenate([draw.seeds for draw in draws])
    for axis in range(2):
        assert np.abs(np.bincount(places[:, axis], minlength=4) - 1000).max() < 140  # five standard deviations
    assert len(np.unique(seeds)) == 4000
    assert seeds.min() >= 0
    numbers = np.column_stack([places, seeds.astype(float)])
    assert np.abs(np.corrcoef(numbers.T) - np.eye(3)).max() < 5 / 4000**0.5


@pytest.mark.slow
def test_workers_damage_the_same(degraded):
    exact(training(degraded(num_workers=2), 6), training(degraded(), 6))


def test_another_seed_is_another_training(degraded):
    """The order, the places and the damage, each for itself."""
    one, other = ([degraded(seed=seed).stream(0, 1).draw(number) for number in range(5)] for seed in (0, 1))
    for a, b in zip(one, other, strict=True):
        assert not np.array_equal(a.indices, b.indices)
        assert not np.array_equal(a.corners, b.corners)
        assert not set(a.seeds.tolist()) & set(b.seeds.tolist())


def test_validation_is_the_same_for_every_seed_and_batch_size(degraded):
    expected = validation(degraded(validation=0.3))
    assert len(expected) == 9
    exact(validation(degraded(validation=0.3)), expected)
    for changes in ({"seed": 1}, {"batch_size": 7}, {"batch_size": 1, "seed": 5, "hflip": False}):
        exact(validation(degraded(validation=0.3, **changes)), expected)


def test_validation_is_the_same_however_many_validate(degraded):
    expected = validation(degraded(validation=0.3))
    found = [None] * len(expected)
    for rank in range(2):
        data = degraded(validation=0.3)
        data.trainer = Place(global_rank=rank, world_size=2)
        found[rank::2] = validation(data)
    exact(found, expected)


def test_validation_is_of_held_out_pictures_in_their_middles(degraded):
    data = degraded(validation=0.3)
    targets = torch.stack([target for _, target in validation(data)])
    exact(corners(targets), torch.full((9, 2), 8))
    seen = {name for batch in training(data, 20) for name in names(batch.target)}
    assert seen == {*range(30)} - {*names(targets)}


def test_every_held_out_picture_is_damaged_in_its_own_way(degraded):
    batches = list(degraded(chain=HOLES, mask=True, validation=0.3).val_dataloader())
    assert len({known.numpy().tobytes() for batch in batches for known in batch.known}) == 9


def test_training_is_not_damaged_as_validation_is(degraded):
    """The same picture, cut alike."""
    data = degraded(resize=8, hflip=False)
    pairs = data.train_pixels
    fixed = pairs.batch(np.arange(27), np.zeros(27, bool))
    for draw in islice(data.stream(0, 1).since(0), 6):
        assert not any(map(torch.equal, pairs.batch(*draw).content, fixed.content[draw.indices]))
