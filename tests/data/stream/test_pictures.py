"""Pictures from shards are those from the pixel cache, fetched as rarely as can be."""

import gc
import logging
import pickle
import threading
from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from batches import Place, levels
from fsspec.implementations.memory import MemoryFileSystem
from streams import BATCH, COUNT, SHARD_BYTES, SIZE, as_bytes, batches, forget_shards, streamed

from atelier.data.collections import Procedural
from atelier.data.origins import module
from atelier.data.remote import Remote
from atelier.data.shard_cache import THREAD, ShardCache
from atelier.data.streamed import StreamedData
from atelier.data.streamed_pixels import StreamedPixels
from atelier.errors import UserError


def test_the_pictures_of_an_epoch_are_those_of_the_pixel_cache(root):
    ours = streamed(root, label="style")
    theirs = Procedural(image_size=SIZE, batch_size=BATCH, seed=3, count=COUNT, label="style")
    theirs.prepare()
    assert (ours.classes, ours.fingerprint) == (theirs.classes, theirs.fingerprint)
    pictures = [as_bytes(torch.cat([levels(batch.image) for batch in batches(data, 18)])) for data in (ours, theirs)]
    assert sorted(pictures[0]) == sorted(pictures[1])
    assert len({*pictures[0]}) == 108
    held_out = [as_bytes(levels(torch.cat([one.image for one in data.val_dataloader()]))) for data in (ours, theirs)]
    assert sorted(held_out[0]) == sorted(held_out[1])


def test_a_batch_has_the_pixels_labels_and_mirroring_of_the_cached_pictures(root):
    ours = streamed(root, label="palette")
    theirs = Procedural(image_size=SIZE, batch_size=BATCH, seed=3, count=COUNT, label="palette")
    theirs.prepare()
    cached = theirs.train_pixels.images(0, COUNT)
    there = {picture.numpy().tobytes(): place for place, picture in enumerate(cached)}
    draw = ours.stream(0, 1).draw(2)
    plain = ours.train_pixels.batch(draw.indices, np.zeros(BATCH, bool))
    places = [there[picture.byte().numpy().tobytes()] for picture in levels(plain.image)]
    expected = theirs.train_pixels.batch(np.array(places), draw.flips)
    found = batches(ours, 3)[2]
    assert torch.equal(found.image, expected.image)
    assert torch.equal(found.label, expected.label)
    assert draw.flips.any()


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_see_together_what_one_would_alone(root, world):
    alone = batches(streamed(root), 25, Place(global_step=4))
    shares = [batches(streamed(root), 25, Place(4, rank, world)) for rank in range(world)]
    for whole, *parts in zip(alone, *shares, strict=True):
        assert torch.equal(torch.cat([part.image for part in parts]), whole.image)


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_change_nothing_and_fetch_no_shard_twice(root, num_workers, fetched):
    alone = batches(streamed(root), 40)
    before = len(fetched())
    assert before == len({*fetched()}) == 11  # the twelfth has held-out pictures alone
    forget_shards(root)
    shared = batches(streamed(root, num_workers=num_workers), 40)
    for one, other in zip(shared, alone, strict=True):
        assert torch.equal(one.image, other.image)
    again = fetched()[before:]
    assert len(again) == len({*again}) == 11


def test_a_second_run_and_all_passes_find_what_the_first_fetched(root, fetched):
    data = streamed(root)
    batches(data, 60)
    [*data.val_dataloader()]
    [*data.train_pixels.batches(7)]
    batches(streamed(root, seed=9), 30)
    assert len(fetched()) == len({*fetched()}) == 12


def test_what_a_killed_process_left_is_removed_and_what_is_removed_is_let_go(root):
    cache = streamed(root).train_pixels._cache
    cache.pixels(1)
    (cache.folder / ".00004.npy.x.partial").write_bytes(b"half")
    (cache.folder / "00001.npy").unlink()
    cache.pixels(2)
    assert {file.name for file in cache.folder.iterdir() if file.is_file()} == {"00002.npy"}
    assert [*cache._opened] == [2]


def test_no_more_is_kept_than_may_be_and_in_an_epoch_no_shard_is_fetched_twice(root, fetched, monkeypatch):
    monkeypatch.setattr(ShardCache, "expect", lambda *_: None)  # the order of fetching is then no race
    limit = 6 * SHARD_BYTES
    data = streamed(root, cache_gigabytes=limit / 1e9)
    folder = data.train_pixels._cache.folder
    most = 0
    for _ in islice(data.train_dataloader(), 18):
        most = max(most, sum(file.stat().st_size for file in folder.glob("*.npy")))
    assert 4 * SHARD_BYTES < most <= limit
    assert len(fetched()) == len({*fetched()})


def test_what_comes_next_is_fetched_in_the_background(root, monkeypatch):
    asked = []
    monkeypatch.setattr(ShardCache, "expect", lambda _, numbers: asked.append(numbers))
    data = streamed(root)
    draws = [*islice(data.stream(0, 1).since(0), 5)]
    batches(data, 5)
    assert asked == [draw.ahead.tolist() for draw in draws]


def test_the_background_thread_fetches_what_is_not_at_hand(root, monkeypatch):
    cache, fetched, done = streamed(root).train_pixels._cache, ShardCache._fetch_missing, threading.Event()

    def noting(cache, number, path):
        fetched(cache, number, path)
        if number == 5:
            done.set()
        if number == 3:
            raise OSError("whatever goes wrong is for those who ask")

    monkeypatch.setattr(ShardCache, "_fetch_missing", noting)
    cache.expect([3, 4, 5])
    assert done.wait(timeout=120)
    assert {file.name for file in cache.folder.glob("*.npy")} == {"00003.npy", "00004.npy", "00005.npy"}
    assert not cache._opened


def test_what_is_no_longer_wanted_is_not_fetched(root, monkeypatch):
    cache, begun, go_on, done = streamed(root).train_pixels._cache, *(threading.Event() for _ in range(3))
    fetched = []

    def slow(_, number):
        fetched.append(number)
        begun.set()
        go_on.wait(timeout=120)
        if number == 8:
            done.set()

    monkeypatch.setattr(ShardCache, "_fetch_unless_fetched", slow)
    cache.expect([3, 4, 5])
    assert begun.wait(timeout=120)
    cache.expect([3, 5, 7])
    cache.expect([5, 8])
    go_on.set()
    assert done.wait(timeout=120)
    assert fetched == [3, 5, 8]


def fetching_ahead():
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.mark.parametrize("still_fetching", [False, True])
def test_the_background_thread_ends_with_the_data(root, monkeypatch, still_fetching):
    begun, go_on = threading.Event(), threading.Event()

    def slow(*_):
        begun.set()
        assert go_on.wait(timeout=120)

    if still_fetching:
        monkeypatch.setattr(ShardCache, "_fetch_missing", slow)
    gc.collect()
    before = fetching_ahead()
    data = streamed(root)
    data.train_pixels._cache.expect([3])
    (thread,) = [thread for thread in fetching_ahead() if thread not in before]
    assert not still_fetching or begun.wait(timeout=120)
    del data
    gc.collect()
    go_on.set()
    thread.join(timeout=120)
    assert not thread.is_alive()


def test_a_bug_in_the_background_is_heard_of(root, monkeypatch):
    cache, told, done = streamed(root).train_pixels._cache, [], threading.Event()

    def hear(caught):
        told.append(caught.exc_type)
        done.set()

    monkeypatch.setattr(threading, "excepthook", hear)
    monkeypatch.setattr(ShardCache, "_fetch_missing", lambda *_: 1 / 0)
    cache.expect([3])
    assert done.wait(timeout=120)
    assert told == [ZeroDivisionError]


def test_a_pass_in_order_expects_the_next_shard_that_has_any(root, monkeypatch):
    asked = []
    monkeypatch.setattr(ShardCache, "expect", lambda _, numbers: asked.append(numbers))
    pixels = streamed(root).train_pixels
    some = pixels.by_shard.cumsum()
    chosen = np.concatenate([np.arange(some[1]), np.arange(some[6], some[7]), np.arange(some[9], some[10])])
    few = StreamedPixels(pixels._cache, pixels._rows[chosen], np.zeros((COUNT, 16), np.uint8), None, "raise", "")
    used = np.flatnonzero(few.by_shard).tolist()
    assert len(used) == 3
    assert used != [*range(used[0], used[0] + 3)]
    [*few.batches(1)]
    assert [numbers for place, numbers in enumerate(asked) if numbers not in asked[:place]] == [used[1:2], used[2:], []]


def test_a_worker_that_starts_anew_finds_the_same(root):
    pixels = streamed(root, label="style").train_pixels
    there = pickle.loads(pickle.dumps(pixels))
    some = np.array([90, 3, 41]), np.array([True, False, True])
    for one, other in zip(there.batch(*some), pixels.batch(*some), strict=True):
        assert torch.equal(one, other)


def test_all_pictures_in_order_for_scores(root):
    data = streamed(root)
    together = torch.cat([*data.train_pixels.batches(7)])
    assert together.dtype == torch.uint8
    assert len(together) == len(data.train_pixels) == 108
    assert torch.equal(together[20:31], data.train_pixels.images(20, 31))
    assert len(data.train_pixels.images(100, 999)) == 8
    assert data.train_pixels.key != data.validation_pixels.key
    assert streamed(root, seed=8).train_pixels.key == data.train_pixels.key


def test_any_address_that_fsspec_knows(root):
    MemoryFileSystem.store.clear()
    here, there = Remote(root), Remote("memory://bucket/deep")
    for name in here.names():
        there.write(name, here.read(name))
    expected = batches(streamed(root), 3)
    found = batches(streamed("memory://bucket/deep"), 3)
    also = batches(streamed(f"file://{root}"), 3)
    for one, other, third in zip(expected, found, also, strict=True):
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.image, third.image)
    with pytest.raises(UserError, match="'nonsense://x' cannot be opened: .*nonsense"):
        streamed("nonsense://x")


def test_prepared_is_told(root, caplog):
    caplog.set_level(logging.INFO)
    streamed(root)
    assert caplog.messages == ["108 pictures for training, 12 for validation, in 12 shards"]


def test_shards_are_no_pictures_that_styles_could_be_cropped_from(root):
    """They are of one size, and a pair's are rendered larger than the crops that are taken of them."""
    message = "must be pictures that can be had at any size, and StreamedData has none"
    with pytest.raises(ValueError, match=f"^style: {message}$"):
        module("style", partial(StreamedData, root=str(root)), image_size=16, batch_size=4, seed=0)
