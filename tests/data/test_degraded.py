"""Pairs made on the fly: which pictures, where they are cut, and what befalls them."""

from functools import partial

import numpy as np
import pytest
import torch
from batches import exact, levels, names
from coordinates import coordinates, put, training
from degrading import HOLES, SMALL, corners
from PIL import Image
from torch.testing import assert_close

from atelier.data.collections import Procedural, WikiArt
from atelier.data.degraded import Degraded
from atelier.data.types import Paired
from atelier.degradation.colour_loss import ColourLoss
from atelier.degradation.downsample import Downsample
from atelier.degradation.noise import Noise
from atelier.errors import UserError


def test_a_batch(degraded):
    batch = training(degraded(), 1)[0]
    assert isinstance(batch, Degraded.batch)
    assert batch.content.shape == batch.target.shape == (4, 3, 8, 8)
    assert batch.content.dtype == batch.target.dtype == torch.float32
    assert batch.content.is_contiguous()
    assert batch.known is None
    assert not torch.equal(batch.content, batch.target)


def test_without_damage_contents_are_their_targets(degraded):
    """Mirrored and cut alike, to the last bit, whatever the colour."""
    for batch in training(degraded(chain={"noise": None}), 20):
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
def test_targets_are_parts_of_the_pictures(degraded, hflip):
    images = torch.cat([batch.target for batch in training(degraded(hflip=hflip), 40)])
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


def test_contents_are_damaged_where_and_as_targets_are(degraded):
    """Loss of colour changes no pixel's place: the luma of both is the same, mirrored ones included."""
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    for batch in training(degraded(chain={"grey": ColourLoss(amount=(1, 1))}), 10):
        exact(batch.content[:, 0], batch.content[:, 1])
        assert_close(batch.content[:, 0], (batch.target * luma).sum(1), rtol=0, atol=2e-3)


def test_what_is_lost_is_said(degraded):
    for batch in training(degraded(chain=HOLES, mask=True), 10):
        assert batch.known.shape == (4, 1, 8, 8)
        assert batch.known.dtype == torch.float32
        same = (batch.content == batch.target).all(1, keepdim=True)
        exact(batch.known, same.float())
        assert 0 < batch.known.mean() < 1


@pytest.mark.parametrize("factor", [2, 4])
def test_smaller_contents(degraded, factor):
    data = degraded(chain=HOLES | {"down": Downsample(factor=factor)}, scale=factor, mask=True)
    batch = training(data, 1)[0]
    assert batch.content.shape == (4, 3, 8 // factor, 8 // factor)
    assert batch.known.shape == (4, 1, 8 // factor, 8 // factor)
    assert batch.target.shape == (4, 3, 8, 8)


def test_learning_to_damage(degraded):
    forwards, backwards = training(degraded(), 3), training(degraded(reverse=True), 3)
    for one, other in zip(forwards, backwards, strict=True):
        exact(other, Paired(one.target, one.content))


def test_a_picture_is_damaged_anew_every_time(degraded):
    """120 times of 27 pictures, all of them whole: only damage tells one time from another."""
    batches = training(degraded(resize=8, hflip=False), 30)
    assert len({target.numpy().tobytes() for batch in batches for target in batch.target}) == 27
    assert len({content.numpy().tobytes() for batch in batches for content in batch.content}) == 120


def test_the_first_batch_of_all_is_there_for_whoever_asks_for_shapes(degraded):
    pair = degraded().train_pixels.batch(np.zeros(1, int), np.zeros(1, bool))
    assert pair.content.shape == pair.target.shape == (1, 3, 8, 8)


def test_targets_are_what_should_come_out(degraded):
    data = degraded()
    found = torch.cat([*data.targets.batches(5)])
    whole = data.train_pixels.batch(np.arange(27), np.zeros(27, bool)).target
    assert found.dtype == torch.uint8
    assert len(data.targets) == len(found) == 27
    exact(found.long(), levels(whole))
    assert data.targets.key == degraded(chain=HOLES, seed=3).targets.key


def test_targets_of_what_learns_to_damage_are_damaged(degraded):
    data = degraded(reverse=True)
    found = torch.cat([*data.targets.batches(5)])
    damaged = degraded().train_pixels.batch(np.arange(27), np.zeros(27, bool)).content
    exact(found.long(), levels(damaged))
    assert [len(batch) for batch in data.targets.batches(20)] == [20, 7]
    assert len(data.targets) == 27
    assert data.targets.labels is None
    keys = {degraded(**changes).targets.key for changes in ({}, {"reverse": True}, {"reverse": True, "chain": HOLES})}
    assert len(keys) == 3


def test_the_fingerprint_follows_pixels_and_damage(degraded, tmp_path):
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
    found = {degraded(**changes).fingerprint for changes in [{}, *others]}
    assert len(found) == 1 + len(others)
    assert degraded(seed=4, batch_size=2).fingerprint == degraded().fingerprint


def test_a_data_module_as_root(degraded):
    data = degraded(root=partial(Procedural, count=12))
    assert (len(data.train_pixels), len(data.validation_pixels)) == (11, 1)
    assert data.train_pixels.pictures.side == 24
    assert degraded(root=partial(Procedural, count=12), resize=None).train_pixels.pictures.side == 16


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
def test_refused(degraded, changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        degraded(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 28}, r"data\.batch_size: a batch has 28 pictures, but only 27 are for training"),
        ({"root": "empty"}, r"data\.root: no pictures in '.*empty'"),
        ({"root": "broken"}, r"data\.root: none of the 1 pictures can be used \(torn\.png: not an image\)"),
        ({"root": "torn"}, r"data\.root: '.*train-0\.parquet' cannot be read"),
    ],
)
def test_found_unfit(degraded, tmp_path, changes, message):
    for name in ("empty", "broken", "torn"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "torn.png").write_bytes(b"no picture")
    (tmp_path / "torn" / "train-0.parquet").write_bytes(b"PAR")
    changes = {key: str(tmp_path / value) if key == "root" else value for key, value in changes.items()}
    with pytest.raises(UserError, match=f"^{message}"):
        degraded(**changes)
