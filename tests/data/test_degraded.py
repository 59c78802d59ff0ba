"""Pairs made on the fly: which pictures, where they are cut, and what befalls them."""

import pickle
from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from batches import Place, levels, names
from coordinates import coordinates, put, training
from PIL import Image
from torch.testing import assert_close

from atelier.data.collections import Procedural, WikiArt
from atelier.data.damaging import DamageStream
from atelier.data.degraded import Degraded
from atelier.data.types import Paired
from atelier.degradation.colour_loss import ColourLoss
from atelier.degradation.downsample import Downsample
from atelier.degradation.holes import Holes
from atelier.degradation.noise import Noise
from atelier.errors import UserError

SMALL = {"image_size": 8, "batch_size": 4, "seed": 0}
NOISE = {"noise": Noise(sigma=(10, 40))}
HOLES = {"holes": Holes(count=(1, 2), size=(0.2, 0.5), fill="white")}
exact = partial(assert_close, rtol=0, atol=0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        put(root / "paintings" / f"{number}.png", number)
    return root / "paintings"


@pytest.fixture
def module(pictures):
    def prepared(**changes):
        data = Degraded(**SMALL | {"root": str(pictures), "resize": 24, "chain": NOISE} | changes)
        data.prepare()
        return data

    return prepared


def corners(images):
    """Top and left of each crop, (B, 2); mirrored or not."""
    return (levels(images)[:, 1:] // 8).amin((2, 3))


def validation(data):
    return [pair for batch in data.val_dataloader() for pair in zip(batch.content, batch.target, strict=True)]


def test_a_batch(module):
    batch = training(module(), 1)[0]
    assert isinstance(batch, Degraded.batch)
    assert batch.content.shape == batch.target.shape == (4, 3, 8, 8)
    assert batch.content.dtype == batch.target.dtype == torch.float32
    assert batch.content.is_contiguous()
    assert batch.known is None
    assert not torch.equal(batch.content, batch.target)


def test_without_damage_contents_are_their_targets(module):
    """Mirrored and cut alike, to the last bit, whatever the colour."""
    for batch in training(module(chain={"noise": None}), 20):
        exact(batch.content, batch.target)


def test_no_level_is_rounded(tmp_path):
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for number in range(3):
        Image.fromarray(np.stack([every, every.T, every + np.uint8(number)], -1)).save(tmp_path / f"{number}.png")
    given = SMALL | {"image_size": 16, "batch_size": 1}
    data = Degraded(**given, root=str(tmp_path), resize=16, chain={}, hflip=False)
    data.prepare()
    for batch in training(data, 4):
        exact(batch.content, batch.target)
        exact(levels(batch.target)[0, 0], torch.from_numpy(every).long())


@pytest.mark.parametrize("hflip", [False, True])
def test_targets_are_parts_of_the_pictures(module, hflip):
    images = torch.cat([batch.target for batch in training(module(hflip=hflip), 40)])
    places = corners(images)
    assert places.min() == 0
    assert places.max() == 24 - 8
    assert len(places.unique(dim=0)) > 80
    pieces = [
        torch.from_numpy(coordinates(name)[top : top + 8, left : left + 8]).permute(2, 0, 1) / 127.5 - 1
        for name, (top, left) in zip(names(images), places.tolist(), strict=True)
    ]
    expected = torch.stack(pieces)
    mirrored = (images != expected).flatten(1).any(1)
    assert_close(torch.where(mirrored[:, None, None, None], images.flip(3), images), expected)
    assert 0.3 < mirrored.float().mean() < 0.7 if hflip else not mirrored.any()


def test_contents_are_damaged_where_and_as_targets_are(module):
    """Loss of colour changes no pixel's place: the luma of both is the same, mirrored ones included."""
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    for batch in training(module(chain={"grey": ColourLoss(amount=(1, 1))}), 10):
        exact(batch.content[:, 0], batch.content[:, 1])
        assert_close(batch.content[:, 0], (batch.target * luma).sum(1), rtol=0, atol=2e-3)


def test_what_is_lost_is_said(module):
    for batch in training(module(chain=HOLES, mask=True), 10):
        assert batch.known.shape == (4, 1, 8, 8)
        assert batch.known.dtype == torch.float32
        same = (batch.content == batch.target).all(1, keepdim=True)
        exact(batch.known, same.float())
        assert 0 < batch.known.mean() < 1


@pytest.mark.parametrize("factor", [2, 4])
def test_smaller_contents(module, factor):
    data = module(chain=HOLES | {"down": Downsample(factor=factor)}, scale=factor, mask=True)
    batch = training(data, 1)[0]
    assert batch.content.shape == (4, 3, 8 // factor, 8 // factor)
    assert batch.known.shape == (4, 1, 8 // factor, 8 // factor)
    assert batch.target.shape == (4, 3, 8, 8)


def test_learning_to_damage(module):
    forwards, backwards = training(module(), 3), training(module(reverse=True), 3)
    for one, other in zip(forwards, backwards, strict=True):
        exact(other, Paired(one.target, one.content))


def test_a_picture_is_damaged_anew_every_time(module):
    """120 times of 27 pictures, all of them whole: only damage tells one time from another."""
    batches = training(module(resize=8, hflip=False), 30)
    assert len({target.numpy().tobytes() for batch in batches for target in batch.target}) == 27
    assert len({content.numpy().tobytes() for batch in batches for content in batch.content}) == 120


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


@pytest.mark.parametrize("number", [1, 6, 7, 20])
def test_going_on_is_starting_at_a_number(module, number):
    whole, resumed = module(chain=NOISE | HOLES, mask=True), module(chain=NOISE | HOLES, mask=True)
    resumed.trainer = Place(global_step=number)
    for one, other in zip(training(whole, number + 4)[number:], islice(resumed.train_dataloader(), 4), strict=True):
        exact(one, other)


@pytest.mark.parametrize("world", [2, 4])
def test_ranks_see_together_what_one_sees(module, world):
    alone = training(module(chain=NOISE | HOLES, mask=True), 9)
    parts = []
    for rank in range(world):
        data = module(chain=NOISE | HOLES, mask=True)
        data.trainer = Place(global_rank=rank, world_size=world)
        parts.append(list(islice(data.train_dataloader(), 9)))
    for number, whole in enumerate(alone):
        for field in Paired._fields:
            exact(torch.cat([getattr(part[number], field) for part in parts]), getattr(whole, field))


def test_another_process_damages_the_same(module):
    data = module(chain=NOISE | HOLES, mask=True)
    copy = pickle.loads(pickle.dumps(data.train_pixels))
    for draw in islice(data.stream(0, 1).since(0), 3):
        exact(copy.batch(*draw), data.train_pixels.batch(*draw))


@pytest.mark.slow
def test_workers_damage_the_same(module):
    exact(training(module(num_workers=2), 6), training(module(), 6))


def test_another_seed_is_another_training(module):
    """The order, the places and the damage, each for itself."""
    one, other = ([module(seed=seed).stream(0, 1).draw(number) for number in range(5)] for seed in (0, 1))
    for a, b in zip(one, other, strict=True):
        assert not np.array_equal(a.indices, b.indices)
        assert not np.array_equal(a.corners, b.corners)
        assert not set(a.seeds.tolist()) & set(b.seeds.tolist())


def test_validation_is_the_same_for_every_seed_and_batch_size(module):
    expected = validation(module(validation=0.3))
    assert len(expected) == 9
    exact(validation(module(validation=0.3)), expected)
    for changes in ({"seed": 1}, {"batch_size": 7}, {"batch_size": 1, "seed": 5, "hflip": False}):
        exact(validation(module(validation=0.3, **changes)), expected)


def test_validation_is_the_same_however_many_validate(module):
    expected = validation(module(validation=0.3))
    found = [None] * len(expected)
    for rank in range(2):
        data = module(validation=0.3)
        data.trainer = Place(global_rank=rank, world_size=2)
        found[rank::2] = validation(data)
    exact(found, expected)


def test_validation_is_of_held_out_pictures_in_their_middles(module):
    data = module(validation=0.3)
    targets = torch.stack([target for _, target in validation(data)])
    exact(corners(targets), torch.full((9, 2), 8))
    seen = {name for batch in training(data, 20) for name in names(batch.target)}
    assert seen == {*range(30)} - {*names(targets)}


def test_every_held_out_picture_is_damaged_in_its_own_way(module):
    batches = list(module(chain=HOLES, mask=True, validation=0.3).val_dataloader())
    assert len({known.numpy().tobytes() for batch in batches for known in batch.known}) == 9


def test_training_is_not_damaged_as_validation_is(module):
    """The same picture, cut alike."""
    data = module(resize=8, hflip=False)
    pairs = data.train_pixels
    fixed = pairs.batch(np.arange(27), np.zeros(27, bool))
    for draw in islice(data.stream(0, 1).since(0), 6):
        assert not any(map(torch.equal, pairs.batch(*draw).content, fixed.content[draw.indices]))


def test_the_first_batch_of_all_is_there_for_whoever_asks_for_shapes(module):
    pair = module().train_pixels.batch(np.zeros(1, int), np.zeros(1, bool))
    assert pair.content.shape == pair.target.shape == (1, 3, 8, 8)


def test_targets_are_what_should_come_out(module):
    data = module()
    found = torch.cat([*data.targets.batches(5)])
    whole = data.train_pixels.batch(np.arange(27), np.zeros(27, bool)).target
    assert found.dtype == torch.uint8
    assert len(data.targets) == len(found) == 27
    exact(found.long(), levels(whole))
    assert data.targets.key == module(chain=HOLES, seed=3).targets.key


def test_targets_of_what_learns_to_damage_are_damaged(module):
    data = module(reverse=True)
    found = torch.cat([*data.targets.batches(5)])
    damaged = module().train_pixels.batch(np.arange(27), np.zeros(27, bool)).content
    exact(found.long(), levels(damaged))
    assert [len(batch) for batch in data.targets.batches(20)] == [20, 7]
    assert len(data.targets) == 27
    assert data.targets.labels is None
    keys = {module(**changes).targets.key for changes in ({}, {"reverse": True}, {"reverse": True, "chain": HOLES})}
    assert len(keys) == 3


def test_the_fingerprint_follows_pixels_and_damage(module, tmp_path):
    for number in range(6):
        put(tmp_path / f"{number}.png", number)
    others = [
        {"root": str(tmp_path)},
        {"resize": 16},
        {"image_size": 16},
        {"chain": {}},
        {"chain": {"noise": Noise(sigma=(10, 41))}},
        {"mask": True},
        {"reverse": True},
    ]
    found = {module(**changes).fingerprint for changes in [{}, *others]}
    assert len(found) == 1 + len(others)
    assert module(seed=4, batch_size=2).fingerprint == module().fingerprint


def test_a_data_module_as_root(module):
    data = module(root=partial(Procedural, count=12))
    assert (len(data.train_pixels), len(data.validation_pixels)) == (11, 1)
    assert data.train_pixels.pictures.side == 24
    assert module(root=partial(Procedural, count=12), resize=None).train_pixels.pictures.side == 16


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 4}, "image_size must be at least 8, got 4"),
        ({"resize": 7}, r"resize must be at least data\.image_size \(8\), got 7"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"validation": 1.0}, r"validation must be between 0 and 1, got 1\.0"),
        ({"root": "my/paintngs"}, "root: no such folder: 'my/paintngs'"),
        ({"root": __file__}, "root: not a folder: '"),
        ({"root": partial(WikiArt, root="wikart")}, "root: root: no such folder: 'wikart'"),
        ({"scale": 2}, r"scale must be what the chain makes of it \(1\), got 2"),
        ({"chain": {"down": Downsample(factor=4)}}, r"scale must be what the chain makes of it \(4\), got 1"),
        (
            {"chain": {"down": Downsample(factor=4)}, "scale": 4, "image_size": 10},
            r"image_size must be a multiple of data\.scale \(4\), got 10",
        ),
        ({"reverse": True, "mask": True}, r"reverse must be false with data\.mask, .*, got True"),
        (
            {"reverse": True, "chain": {"down": Downsample(factor=2)}, "scale": 2},
            r"reverse must be false where contents are smaller \(data\.scale=2\), got True",
        ),
    ],
)
def test_refused(module, changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        module(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 28}, r"data\.batch_size: a batch has 28 pictures, but only 27 are for training"),
        ({"root": "empty"}, r"data\.root: no pictures in '.*empty'"),
        ({"root": "broken"}, r"data\.root: none of the 1 pictures can be used \(torn\.png: not an image\)"),
        ({"root": "torn"}, r"data\.root: '.*train-0\.parquet' cannot be read"),
    ],
)
def test_found_unfit(module, tmp_path, changes, message):
    for name in ("empty", "broken", "torn"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "torn.png").write_bytes(b"no picture")
    (tmp_path / "torn" / "train-0.parquet").write_bytes(b"PAR")
    changes = {key: str(tmp_path / value) if key == "root" else value for key, value in changes.items()}
    with pytest.raises(UserError, match=f"^{message}"):
        module(**changes)
