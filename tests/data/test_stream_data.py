"""Training from shards: the same pictures as from the pixel cache, few shards at hand, each fetched once."""

import errno
import logging
import os
import pickle
import shutil
import threading
import time
from itertools import islice

import numpy as np
import pytest
import torch
from batches import Place, levels
from fsspec.implementations.memory import MemoryFileSystem

from atelier.data import remote as remotes
from atelier.data.collections import Procedural
from atelier.data.paintings import Paintings
from atelier.data.remote import MissingFile, Remote
from atelier.data.shard_cache import BadShard, ShardCache
from atelier.data.shard_files import INDEX, Index
from atelier.data.shard_writing import write_shards
from atelier.data.streamed import StreamedData
from atelier.data.streamed_pixels import StreamedPixels
from atelier.errors import RunError, UserError

SIZE, COUNT, BATCH = 8, 120, 6
PER_SHARD = 10
MEGABYTES = PER_SHARD * SIZE * SIZE * 3 / 1e6
SHARD_BYTES = PER_SHARD * SIZE * SIZE * 3 + 128


@pytest.fixture(autouse=True)
def own_cache_of_a_test(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_shards(Paintings(COUNT), SIZE, Remote(str(folder)), MEGABYTES)
    return folder


@pytest.fixture
def root(written, tmp_path):
    """A folder of shards that a test may damage."""
    return str(shutil.copytree(written, tmp_path / "shards"))


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """The shards that were fetched, in order, by whichever process."""
    log, read = tmp_path / "fetched.txt", Remote.read

    def noting(remote, name):
        if name.startswith("pictures-"):
            with log.open("a") as file:
                file.write(f"{name}\n")
        return read(remote, name)

    monkeypatch.setattr(Remote, "read", noting)
    return lambda: log.read_text().split() if log.exists() else []


def streamed(root, **options):
    settings = {"image_size": SIZE, "batch_size": BATCH, "seed": 3, "window": 3, "num_workers": 0}
    data = StreamedData(root=root, **settings | options)
    data.prepare()
    return data


def batches(data, count, place=None):
    data.trainer = place
    return [*islice(data.train_dataloader(), count)]


def forget_shards(root):
    """Those at hand."""
    folder = streamed(root).train_pixels._cache.folder
    folder.rename(folder.with_name("away"))


def as_bytes(images):
    """Each picture, whether mirrored or not."""
    return [min(picture.numpy().tobytes(), picture.flip(2).numpy().tobytes()) for picture in images.byte()]


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"root": "nowhere"}, "root: no such folder: 'nowhere'"),
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"cache_gigabytes": 0}, "cache_gigabytes must be above 0, got 0"),
        ({"on_bad_shard": "ignore"}, r"on_bad_shard must be one of \['raise', 'skip'\], got 'ignore'"),
        ({"image_size": 4}, "image_size must be at least 8, got 4"),
        (
            {"storage_options": {"secret": "s3cret", "key": "me", "endpoint_url": "http://here"}},
            "storage_options must hold no secrets, .*, got key, secret: set AWS_ACCESS_KEY_ID, ",
        ),
        (
            {"storage_options": {"client_kwargs": {"aws_session_token": "s3cret"}}},
            "storage_options must hold no secrets, .*, got aws_session_token: ",
        ),
    ],
)
def test_refused_before_anything_is_read(options, message):
    settings = {"root": "memory://none", "image_size": SIZE, "batch_size": BATCH, "seed": 0}
    with pytest.raises(ValueError, match=message) as caught:
        StreamedData(**settings | options)
    assert "s3cret" not in str(caught.value)


def test_options_without_secrets_are_none_of_ours():
    settings = {"root": "memory://none", "image_size": SIZE, "batch_size": BATCH, "seed": 0}
    for options in ({"anon": True, "client_kwargs": {"region_name": "x"}}, {"token": "anon"}, {"key": None}):
        assert StreamedData(**settings, storage_options=options).storage_options == options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 16}, "data.image_size: the pictures in these shards have 8 px, got 16"),
        (
            {"label": "artist"},
            r"data.label: these pictures have no 'artist'; choose one of \['palette', 'style', None\]",
        ),
        ({"batch_size": 109}, "data.batch_size: a batch has 109 pictures, but only 108 are for training"),
        (
            {"cache_gigabytes": 1e-6},
            "data.cache_gigabytes: must be at least 0.0001 for data.window=3 shards of 0.0 MB and 3 more, got 1e-06",
        ),
    ],
)
def test_refused_when_the_index_is_known(root, options, message):
    with pytest.raises(UserError, match=message):
        streamed(root, **options)


def test_where_there_are_no_shards(tmp_path):
    with pytest.raises(UserError, match="data.root: no shards at '.*': it has no index.json"):
        streamed(str(tmp_path))
    (tmp_path / INDEX).write_text("?")
    with pytest.raises(UserError, match="data.root: .*index.json is damaged: no index of shards"):
        streamed(str(tmp_path))


def damage(root, number, how):
    remote = Remote(root)
    shard = Index.of(remote.read(INDEX)).shards[number]
    content = remote.read(shard.name)
    if how == "missing":
        remote.remove([shard.name])
    else:
        remote.write(shard.name, content[:-40] if how == "truncated" else b"PAR1" + content[5:] + b"!")
    return shard.name


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("missing", "is missing"),
        ("truncated", r"is damaged \([\d,]+ bytes whose checksum is another\)"),
        ("changed", r"is damaged \([\d,]+ bytes whose checksum is another\)"),
    ],
)
@pytest.mark.parametrize("num_workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_bad_shard_is_named_in_one_line(root, how, reason, num_workers):
    name = damage(root, 7, how)
    data = streamed(root, num_workers=num_workers)
    expected = f"^the shard {root}/{name} {reason}; data.on_bad_shard=skip goes on without it$"
    with pytest.raises(BadShard, match=expected) as caught:
        batches(data, 18)
    assert isinstance(caught.value, RunError)


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_bad_shard_is_skipped_if_told_so(root, how, caplog):
    whole = batches(streamed(root), 18)
    data = streamed(root)
    lost = data.train_pixels._cache.index.shards[7].name
    own = {*as_bytes(torch.from_numpy(np.array(data.train_pixels._cache.pixels(7))).permute(0, 3, 1, 2))}
    damage(root, 7, how)
    forget_shards(root)
    caplog.clear()
    skipping = batches(streamed(root, on_bad_shard="skip"), 36)
    again = batches(streamed(root, on_bad_shard="skip", seed=3), 27, Place(9))
    shares = [batches(streamed(root, on_bad_shard="skip"), 18, Place(0, rank, 2)) for rank in (0, 1)]
    replaced = 0
    for number, one in enumerate(whole):
        here = skipping[number].image
        same = (here == one.image).flatten(1).all(1)
        replaced += int((~same).sum())
        assert not own & {*as_bytes(levels(here))}
        assert torch.equal(torch.cat([share[number].image for share in shares]), here)
    assert replaced == 10
    assert all(torch.equal(a.image, b.image) for a, b in zip(again, skipping[9:], strict=False))
    told = [message for message in caplog.messages if "skipped, its 10 pictures are replaced" in message]
    assert len(told) == 4  # once in each of the four runs, whose shards these are
    assert all(lost in message and "(1 of 12 shards skipped so far)" in message for message in told)


@pytest.mark.parametrize("launcher", [{"TORCHELASTIC_RUN_ID": "none"}, {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}])
def test_processes_of_one_run_tell_of_a_bad_shard_once(root, monkeypatch, caplog, launcher):
    damage(root, 7, "missing")
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    for rank in (0, 1):
        batches(streamed(root, on_bad_shard="skip"), 18, Place(0, rank, 2))
    assert caplog.text.count("skipped, its 10 pictures are replaced") == 1
    monkeypatch.setattr("os.getppid", lambda: -1)
    monkeypatch.setenv("SLURM_STEP_ID", "1")
    batches(streamed(root, on_bad_shard="skip"), 18)
    assert caplog.text.count("skipped, its 10 pictures are replaced") == 2


def test_old_marks_of_bad_shards_go(root):
    folder = streamed(root).train_pixels._cache.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, age in (("old", 90_000), ("new", 60)):
        (folder / f".bad-{name}-1").touch()
        then = time.time() - age
        os.utime(folder / f".bad-{name}-1", (then, then))
    streamed(root)
    assert [path.name for path in folder.glob(".bad-*")] == [".bad-new-1"]


def test_where_no_shard_is_left(root):
    for number in range(12):
        damage(root, number, "missing")
    with pytest.raises(RunError, match="data.root: none of the 12 shards can be used"):
        batches(streamed(root, on_bad_shard="skip"), 1)


def test_what_was_damaged_on_its_way_is_fetched_again(root, monkeypatch, caplog):
    read, torn = Remote.read, []

    def tearing(remote, name):
        data = read(remote, name)
        if name.startswith("pictures-") and name not in torn:
            torn.append(name)
            return data[: len(data) // 2]
        return data

    expected = batches(streamed(root), 4)
    forget_shards(root)
    monkeypatch.setattr(Remote, "read", tearing)
    found = batches(streamed(root), 4)
    assert all(torch.equal(one.image, other.image) for one, other in zip(found, expected, strict=True))
    assert torn
    assert "fetched again" in caplog.text


class Flaky(MemoryFileSystem):
    """Fails as often as told."""

    faults = 0
    error: Exception = ConnectionError("the line is dead")

    def _fail(self):
        if Flaky.faults:
            Flaky.faults -= 1
            raise Flaky.error

    def cat_file(self, path, **options):
        self._fail()
        return super().cat_file(path, **options)

    def pipe_file(self, path, value, **options):
        self._fail()
        return super().pipe_file(path, value, **options)

    def exists(self, path, **options):
        self._fail()
        return super().exists(path, **options)

    def ls(self, path, **options):
        self._fail()
        return super().ls(path, **options)

    def rm_file(self, path):
        self._fail()
        return super().rm_file(path)


@pytest.fixture
def flaky(monkeypatch):
    pauses = []
    monkeypatch.setattr(remotes.time, "sleep", pauses.append)
    MemoryFileSystem.store.clear()
    remote = Remote("memory://flaky")
    remote.write("one", b"content")
    monkeypatch.setattr(remote, "_connect", lambda: (Flaky(), "/flaky"))
    monkeypatch.setattr(Flaky, "faults", 0)
    return remote, pauses


def test_a_store_that_is_away_is_asked_again_ever_more_seldom(flaky, caplog):
    remote, pauses = flaky
    Flaky.faults = 3
    assert remote.read("one") == b"content"
    assert pauses == [1, 2, 4]
    assert caplog.messages[0] == "memory://flaky/one cannot be read (the line is dead): again in 1 s"


def test_a_store_that_stays_away_ends_the_run_in_one_line(flaky):
    remote, pauses = flaky
    Flaky.faults = 99
    with pytest.raises(RunError, match=r"^memory://flaky/one cannot be read: the line is dead$"):
        remote.read("one")
    assert pauses == [*remotes.PAUSES]


@pytest.mark.parametrize(
    ("ask", "answer", "done"),
    [
        (lambda remote: remote.write("two", b"2"), None, "written"),
        (lambda remote: remote.exists("one"), True, "looked for"),
        (lambda remote: remote.names(), ["one"], "listed"),
        (lambda remote: remote.remove(["one"]), None, "removed"),
    ],
)
def test_whatever_is_asked_is_asked_again(flaky, caplog, ask, answer, done):
    remote, pauses = flaky
    Flaky.faults = 2
    assert ask(remote) == answer
    assert pauses == [1, 2]
    assert f"cannot be {done} (the line is dead): again in 1 s" in caplog.messages[0]
    Flaky.faults = 1
    with pytest.raises(RunError, match=f"cannot be {done}: the line is dead"):
        ask(remote.impatient())
    assert pauses == [1, 2]


def error_of(library, name, base=Exception, **attributes):
    """Of a library that need not be installed."""
    kind = type(name, (base,), {"__module__": f"{library}.exceptions", **attributes})
    return kind("in so many words")


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (error_of("botocore", "NoCredentialsError"), UserError),
        (PermissionError("in so many words"), UserError),
        (OSError(errno.ENOSPC, "in so many words"), RunError),
        (ValueError("in so many words"), RunError),
        (error_of("aiohttp", "ClientResponseError", status=400), RunError),
    ],
)
def test_what_does_not_pass_is_told_at_once(flaky, error, ends, monkeypatch):
    remote, pauses = flaky
    Flaky.faults = 1
    monkeypatch.setattr(Flaky, "error", error)
    with pytest.raises(ends, match=r"^memory://flaky/one .*in so many words$"):
        remote.read("one")
    assert pauses == []


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        OSError("unheard of"),
        error_of("botocore", "EndpointConnectionError", type(error_of("botocore", "ConnectionError"))),
        error_of("aiohttp", "ClientPayloadError"),
        error_of("aiohttp", "ClientResponseError", status=503),
    ],
)
def test_what_may_pass_is_asked_again(flaky, error, monkeypatch):
    remote, pauses = flaky
    Flaky.faults = 1
    monkeypatch.setattr(Flaky, "error", error)
    assert remote.read("one") == b"content"
    assert pauses == [1]


def test_what_is_missing_is_not_asked_for_again(flaky):
    remote, pauses = flaky
    with pytest.raises(MissingFile):
        remote.read("none")
    assert pauses == []


def test_prepared_is_told(root, caplog):
    caplog.set_level(logging.INFO)
    streamed(root)
    assert caplog.messages == ["108 pictures for training, 12 for validation, in 12 shards"]
