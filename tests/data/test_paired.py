"""Contents with their targets: found by name or side by side, and cropped alike."""

import logging

import numpy as np
import pytest
import torch
from batches import levels, names
from coordinates import coordinates, training
from pairs_on_disk import negative, put_both, put_pair, save
from PIL import Image
from torch.testing import assert_close

from atelier.data import cache
from atelier.data.joined import held_out
from atelier.data.paired import PairedPictures
from atelier.data.pairing import CropStream
from atelier.data.types import Paired


def assert_same(one, other):
    assert_close(one.content, other.content, rtol=0, atol=0)
    assert_close(one.target, other.target, rtol=0, atol=0)
    assert one.known is other.known is None


def test_a_batch(paired, layout):
    batch = training(paired(**layout), 1)[0]
    assert isinstance(batch, PairedPictures.batch)
    assert batch.content.shape == batch.target.shape == (4, 3, 8, 8)
    assert batch.content.dtype == batch.target.dtype == torch.float32
    assert batch.content.is_contiguous()
    assert batch.target.is_contiguous()
    assert batch.known is None


@pytest.mark.parametrize("hflip", [False, True])
def test_both_pictures_of_a_pair_are_cropped_and_mirrored_alike(paired, layout, hflip):
    batches = training(paired(**layout, hflip=hflip), 60)
    content, target = (levels(torch.cat([getattr(batch, side) for batch in batches])) for side in Paired._fields[:2])
    assert_close(target, 255 - content, rtol=0, atol=0)
    places = content[:, 1:].amin((2, 3)) // 8
    assert (places.min(), places.max()) == (0, 16)
    assert len(places.unique(dim=0)) > 100
    whole = [torch.from_numpy(coordinates(name)).permute(2, 0, 1) for name in (content[:, 0, 0, 0] // 3).tolist()]
    crops = zip(whole, places.tolist(), strict=True)
    expected = torch.stack([picture[:, top : top + 8, left : left + 8] for picture, (top, left) in crops])
    mirrored = (content != expected).flatten(1).any(1)
    assert_close(torch.where(mirrored[:, None, None, None], content.flip(3), content), expected.long())
    assert 0.3 < mirrored.float().mean() < 0.7 if hflip else not mirrored.any()


def test_both_layouts_give_the_same_pairs(paired, pairs):
    side_by_side = paired()
    folders = paired(content=str(pairs / "content"), target=str(pairs / "target"))
    assert side_by_side.fingerprint == folders.fingerprint
    for one, other in zip(training(side_by_side, 20), training(folders, 20), strict=True):
        assert_same(one, other)
    for one, other in zip(side_by_side.val_dataloader(), folders.val_dataloader(), strict=True):
        assert_same(one, other)


def test_the_other_direction_exchanges_the_halves(tmp_path, paired):
    """With validation pictures of its own, for otherwise the contents choose them."""
    for number in range(6):
        put_both(tmp_path / ("train" if number < 4 else "val") / f"{number}.png", number)
    there, back = (paired(root=str(tmp_path), direction=way) for way in ("left_to_right", "right_to_left"))
    for one, other in zip(training(there, 5), training(back, 5), strict=True):
        assert_same(one, Paired(other.target, other.content))
    assert there.fingerprint != back.fingerprint


def test_squares_are_a_little_larger_than_crops(tmp_path, paired):
    """286 of 256 px, as in the paper; and the middles of pictures of any shape, of both sides alike."""
    for number in range(5):
        image = np.random.default_rng(number).integers(0, 256, (50, 70, 3), np.uint8)
        save(tmp_path / "content" / f"{number}.png", image)
        save(tmp_path / "target" / f"{number}.jpg", 255 - image, quality=100, subsampling=0)
        save(tmp_path / "both" / f"{number}.png", np.hstack([image, 255 - image]))
    folders = {"content": str(tmp_path / "content"), "target": str(tmp_path / "target")}
    assert paired(**folders, resize=None, image_size=256).train_pixels.targets.side == 286
    for given in (folders, {"root": str(tmp_path / "both")}):
        data = paired(**given, resize=None, image_size=32)
        assert data.train_pixels.contents.side == 36
        for batch in [*training(data, 3), *data.val_dataloader()]:
            assert_close(batch.target, -batch.content, rtol=0, atol=0.05)  # JPEG, and rounding
            assert batch.content.std() > 0.1


def test_nothing_is_cut_where_squares_are_as_crops(paired):
    data = paired(resize=24, image_size=24, hflip=False)
    batch = training(data, 1)[0]
    expected = [torch.from_numpy(coordinates(name)).permute(2, 0, 1).long() for name in names(batch.content)]
    assert_close(levels(batch.content), torch.stack(expected))


def test_the_pinned_order():
    """The order belongs to the results of every run: a change must be on purpose."""
    draw = CropStream(8, 4, seed=0, margin=16).draw(3)
    assert draw.indices.tolist() == [2, 6, 1, 7]
    assert draw.flips.tolist() == [True, False, False, True]
    assert draw.corners.tolist() == [[16, 7], [3, 11], [11, 11], [12, 9]]


def test_places_of_crops_are_equally_likely_and_independent():
    draws = np.concatenate([CropStream(8, 8, seed=0, margin=3).draw(number).corners for number in range(500)])
    for place in range(2):
        assert np.abs(np.bincount(draws[:, place], minlength=4) - 1000).max() < 140  # five standard deviations
    assert np.abs(np.corrcoef(draws.T) - np.eye(2)).max() < 5 / len(draws) ** 0.5


def test_another_seed_is_another_order_of_the_same_pairs(paired):
    one, other = paired(), paired(seed=1)
    assert one.fingerprint == other.fingerprint
    assert one.targets.key == other.targets.key
    assert any(names(a.content) != names(b.content) for a, b in zip(training(one, 3), training(other, 3), strict=True))


def test_workers_draw_the_same(paired):
    for one, other in zip(training(paired(), 3), training(paired(num_workers=1), 3), strict=True):
        assert_same(one, other)


def test_validation_is_of_held_out_pairs_in_their_middles(paired, layout):
    data = paired(**layout)
    batches = list(data.val_dataloader())
    shown = [name for batch in batches for name in names(batch.content)]
    assert shown == sorted(shown)
    assert len(shown) == 3
    assert {name for batch in training(data, 60) for name in names(batch.content)} == {*range(30)} - {*shown}
    for batch in batches:
        assert (levels(batch.content)[:, 1:].amin((2, 3)) == 8 * 8).all()
        assert_close(levels(batch.target), 255 - levels(batch.content))


def test_the_first_pair_is_there_for_whoever_asks_for_shapes(paired):
    pair = paired().train_pixels.batch(np.zeros(1, int), np.zeros(1, bool))
    assert pair.content.shape == pair.target.shape == (1, 3, 8, 8)


def test_targets_are_those_for_training_in_their_middles(paired, layout):
    data = paired(**layout)
    found = torch.cat([*data.targets.batches(5)])
    assert found.dtype == torch.uint8
    assert len(found) == len(data.targets) == 27
    assert data.targets.labels is None
    batch = data.train_pixels.batch(np.arange(27), np.zeros(27, bool))
    assert_close(found.long(), levels(batch.target))
    assert_close(255 - found.long(), levels(batch.content))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["train/a", "val/b", "test/c"], [False, True, True]),
        (["train/x/a", "test/x/b"], [False, True]),
        (["train/a", "train/b"], [False, False]),
        (["val/a", "test/b"], [False, False]),
        (["train/a", "val/b", "more/c"], [False, False, False]),
        (["train/a", "val/b", "val"], [False, False, False]),
        (["train", "val", "test"], [False, False, False]),
    ],
)
def test_folders_that_divide_a_collection(given, expected):
    assert held_out(given).tolist() == expected


@pytest.mark.parametrize("side_by_side", [False, True])
def test_own_folders_for_validation_are_held_out(tmp_path, paired, side_by_side):
    for number, folder in enumerate(["train"] * 5 + ["val", "test"]):
        put_pair(tmp_path, f"{folder}/{number}", number)
        put_both(tmp_path / "both" / folder / f"{number}.png", number)
    folders = {"content": str(tmp_path / "content"), "target": str(tmp_path / "target")}
    data = paired(**{"root": str(tmp_path / "both")} if side_by_side else folders)
    assert {name for batch in training(data, 10) for name in names(batch.content)} == {0, 1, 2, 3, 4}
    assert [name for batch in data.val_dataloader() for name in names(batch.content)] == [6, 5]
    assert len(data.targets) == 5


def test_pairs_of_equal_contents_are_on_one_side(tmp_path, paired):
    """One drawing, coloured eight times; and eight others. One is broken, so that rows are not numbers of pairs."""
    for number in range(16):
        save(tmp_path / "content" / f"{number}.png", coordinates(max(number - 7, 0)))
        save(tmp_path / "target" / f"{number}.png", coordinates(number))
    (tmp_path / "target" / "0.png").write_bytes(b"")
    for share in (0.1, 0.3, 0.5, 0.7):
        data = paired(
            content=str(tmp_path / "content"), target=str(tmp_path / "target"), batch_size=1, validation=share
        )
        training, others = (
            pixels.batch(np.arange(len(pixels)), np.zeros(len(pixels), bool))
            for pixels in (data.train_pixels, data.validation_pixels)
        )
        assert len(training.content) + len(others.content) == 15
        assert not {*names(training.content)} & {*names(others.content)}


def test_broken_pictures_are_left_out_on_both_sides(tmp_path, paired, caplog):
    for number in range(12):
        put_pair(tmp_path, f"{number:02}", number)
        put_both(tmp_path / "both" / f"{number:02}.png", number)
    (tmp_path / "content" / "03.png").write_bytes(b"no picture")
    (tmp_path / "target" / "07.bmp").write_bytes(b"")
    for number in (3, 7):
        (tmp_path / "both" / f"{number:02}.png").write_bytes(b"no picture")
    caplog.set_level(logging.INFO)
    folders = {"content": str(tmp_path / "content"), "target": str(tmp_path / "target")}
    for given in (folders, {"root": str(tmp_path / "both")}):
        caplog.clear()
        data = paired(**given)
        whole = [data.train_pixels.batch(np.arange(9), np.zeros(9, bool)), *data.val_dataloader()]
        found = sorted(name for batch in whole for name in names(batch.content))
        assert found == [number for number in range(12) if number not in (3, 7)]
        for batch in whole:
            assert_close(levels(batch.target), 255 - levels(batch.content))
        told = "9 pairs for training, 1 for validation; 2 have a broken picture and are left out"
        assert caplog.messages.count(told) == 1
    assert "07.png: not an image" in caplog.text


def test_pixels_are_made_once(paired, layout, monkeypatch):
    paired(**layout)

    def build(source, *_):
        raise AssertionError(f"{source.name} was built again")

    monkeypatch.setattr(cache, "build", build)
    paired(**layout)
    paired(**layout | {"direction": "right_to_left"} if "root" in layout else layout)
    with pytest.raises(AssertionError, match="was built again"):
        paired(**layout, resize=23)


def test_the_fingerprint_follows_pixels_and_pairing(tmp_path, paired):
    for number in range(6):
        put_pair(tmp_path, str(number), number)
    folders = {"content": str(tmp_path / "content"), "target": str(tmp_path / "target")}
    found = {paired(**folders).fingerprint, paired(**folders, image_size=16).fingerprint}
    one, other = tmp_path / "target" / "0.bmp", tmp_path / "target" / "1.bmp"
    aside = one.rename(tmp_path / "aside.bmp")
    other.rename(one)
    aside.rename(other)
    assert len(found | {paired(**folders).fingerprint}) == 3


def test_files_that_differ_in_their_suffix_are_two_side_by_side_pictures(tmp_path, paired):
    for number, name in enumerate(["a.png", "a.bmp", "a.b.png", "b.png", "c.png"]):
        put_both(tmp_path / name, number)
    assert len(paired(root=str(tmp_path)).train_pixels) == 4


@pytest.mark.parametrize("suffix", ["png", "tif"])  # of which Pillow turns one when it is opened
def test_a_side_by_side_picture_that_lies_on_its_side_is_turned_first(tmp_path, paired, suffix):
    for number in range(5):
        both = np.hstack([coordinates(number), negative(number)])
        turned = Image.Exif()
        turned[0x0112] = 6  # to be turned clockwise
        save(tmp_path / f"{number}.{suffix}", np.ascontiguousarray(np.rot90(both)), exif=turned)
    batch = training(paired(root=str(tmp_path)), 1)[0]
    assert_close(levels(batch.target), 255 - levels(batch.content))
    assert max(names(batch.content)) < 5


def test_the_shipped_config(checked, pairs):
    data = checked("data=paired", f"data.root={pairs / 'both'}", "data.resize=24", "data.image_size=8")
    data.prepare()
    assert len(training(data, 1)[0].content) == data.batch_size
    folders = [f"data.{name}={pairs / name}" for name in ("content", "target")]
    assert checked("data=paired", *folders).validation == 0.1
