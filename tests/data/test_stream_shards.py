"""Shards as files: what is written comes back, all of it or nothing, and whatever else is refused."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atelier.data.cache import cached
from atelier.data.folder import Files
from atelier.data.paintings import Paintings
from atelier.data.pixels import Pixels
from atelier.data.remote import Remote
from atelier.data.shard_files import INDEX, DamagedShard, Index, Rows, Shard, decode, encode, refuse_other
from atelier.data.shard_writing import write_shards
from atelier.data.split import split
from atelier.errors import RunError, UserError

SIZE, COUNT = 8, 150
MEGABYTES = 20 * SIZE * SIZE * 3 / 1e6  # 20 pictures


@pytest.fixture
def remote(tmp_path):
    return Remote(str(tmp_path / "shards"))


@pytest.fixture
def index(remote):
    return write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES)


def all_pixels(remote, index):
    return np.concatenate([decode(remote.read(shard.name), shard, index.image_size) for shard in index.shards])


def shard_of(data, pictures):
    import hashlib

    return Shard("one", pictures, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("size", [1, 8, 33])
def test_pixels_come_back_as_they_were(size):
    pixels = np.random.default_rng(size).integers(0, 256, (5, size, size, 3), np.uint8)
    data = encode(pixels, {"style": ["a", "b", "a", "", "b"]})
    assert (decode(data, shard_of(data, 5), size) == pixels).all()


def test_other_readers_of_parquet_find_pixels_and_labels():
    from pyarrow import BufferReader, parquet

    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    rows = parquet.read_table(BufferReader(encode(pixels, {"style": ["a", "b"]}))).to_pylist()
    assert [row["style"] for row in rows] == ["a", "b"]
    differences = np.frombuffer(rows[1]["pixels"], np.uint8).reshape(4, 4, 3)
    assert (np.cumsum(differences, axis=0, dtype=np.uint8) == pixels[1]).all()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:99] + b"?" + data[100:]]
)
def test_any_other_bytes_are_refused(damage):
    data = encode(np.zeros((3, 8, 8, 3), np.uint8), {})
    with pytest.raises(DamagedShard, match="checksum|empty"):
        decode(damage(data), shard_of(data, 3), 8)


def test_shards_hold_every_picture_once_with_its_labels(remote, index):
    cache = cached(Paintings(COUNT), SIZE)
    pixels, rows = all_pixels(remote, index), Rows.of(remote.read(index.rows), index)
    there = {digest.tobytes(): place for place, digest in enumerate(cache.digests)}
    places = [there[digest.tobytes()] for digest in rows.digests]
    assert sorted(places) == [*range(COUNT)]
    assert (pixels == cache.pixels[places]).all()
    for name, column in cache.columns.items():
        assert rows.columns[name].names == column.names
        assert (rows.columns[name].codes == column.codes[places]).all()


def test_as_many_pictures_as_told(index):
    assert index.starts[-1] == COUNT
    assert [shard.pictures for shard in index.shards].count(20) == 7
    assert min(shard.pictures for shard in index.shards) == 10


def test_the_split_and_the_fingerprint_are_those_of_the_pixel_cache(remote, index):
    cache, rows = cached(Paintings(COUNT), SIZE), Rows.of(remote.read(index.rows), index)
    for ours, theirs in zip(
        split(rows.digests, rows.held_out, 0.1), split(cache.digests, cache.held_out, 0.1), strict=True
    ):
        assert {*map(bytes, rows.digests[ours])} == {*map(bytes, cache.digests[theirs])}
    assert index.fingerprint == Pixels(cache, np.arange(COUNT)).key


def test_held_out_pictures_lie_in_few_shards(remote):
    index = write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES / 10)  # 2 pictures each
    rows = Rows.of(remote.read(index.rows), index)
    _, held_out = split(rows.digests, rows.held_out, 0.1)
    touched = {*np.searchsorted(index.starts, held_out, side="right") - 1}
    assert len(touched) < 0.25 * len(index.shards)


def test_classes_of_a_folder_are_mixed_and_broken_pictures_named(tmp_path, remote, caplog):
    chance = np.random.default_rng(0)
    for number in range(120):
        path = tmp_path / "pictures" / "abc"[number // 40] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (9, 9, 3), np.uint8)).save(path)
    (tmp_path / "pictures" / "a" / "torn.png").write_bytes(b"")
    index = write_shards(Files(tmp_path / "pictures", "crop"), SIZE, remote, MEGABYTES)
    rows = Rows.of(remote.read(index.rows), index)
    assert index.classes == {"class": ["a", "b", "c"]}
    assert all(len({*some}) == 3 for some in np.split(rows.columns["class"].codes, index.starts[1:-1]))
    assert "1 of 121 pictures are broken and left out (a/torn.png: empty file)" in caplog.text
    assert index.about["broken"] == [{"name": "a/torn.png", "reason": "empty file"}]
    expected = Pixels(cached(Files(tmp_path / "pictures", "crop"), SIZE), np.arange(120)).key
    assert index.fingerprint == expected


def test_pictures_of_which_none_can_be_used(tmp_path, remote):
    (tmp_path / "torn.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"DATA: none of the 1 pictures can be used \(torn.png: empty file\)"):
        write_shards(Files(tmp_path, "crop"), SIZE, remote, MEGABYTES)
    assert remote.names() == []


def test_shards_are_never_written_over(remote, index):
    before = remote.read(INDEX)
    with pytest.raises(UserError, match="OUT: there are shards in '.*shards' already"):
        write_shards(Paintings(30), SIZE, remote, MEGABYTES)
    assert remote.read(INDEX) == before


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("moment", ["-00003.parquet", "rows-", INDEX])
def test_interrupted_writing_leaves_nothing_that_looks_whole(remote, monkeypatch, fault, moment):
    write_bytes = Path.write_bytes

    def failing(path, data):
        write_bytes(path, data[: len(data) // 2])
        if moment in path.name:
            raise fault
        write_bytes(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", failing)
        with pytest.raises((KeyboardInterrupt, RunError)) as caught:
            write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES)
    if isinstance(fault, OSError):
        assert "cannot be written: [Errno 28] No space left on device" in str(caught.value)
    assert remote.names() == []
    again = write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES)
    assert {*remote.names()} == {INDEX, again.rows, *(shard.name for shard in again.shards)}


def test_what_another_build_wrote_is_told_of_and_stays(remote, caplog):
    names = {"pictures-0123abcd-00077.parquet", "rows-0123abcd-01234567.npz", "pictures-of-us.jpg"}
    for name in names:
        remote.write(name, b"left")
    index = write_shards(Paintings(30), SIZE, remote, MEGABYTES)
    assert {*remote.names()} == {*names, INDEX, index.rows, *(shard.name for shard in index.shards)}
    assert f"2 files of another build lie in {remote.root} (pictures-0123abcd-00077.parquet, ...)" in caplog.text


class Meanwhile(Paintings):
    """While its first picture is taken, something else happens."""

    def __init__(self, count, happens):
        super().__init__(count)
        self.happens = happens

    def pictures(self):
        self.happens()
        return super().pictures()


def test_of_two_builds_at_once_the_faster_one_stays_whole(remote):
    faster = []
    slower = Meanwhile(COUNT, lambda: faster.append(write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES)))
    with pytest.raises(UserError, match="OUT: there are shards in '.*shards' already"):
        write_shards(slower, SIZE, remote, MEGABYTES)
    (index,) = faster
    assert Index.of(remote.read(INDEX)) == index
    assert {*remote.names()} == {INDEX, index.rows, *(shard.name for shard in index.shards)}
    assert len(all_pixels(remote, index)) == len(Rows.of(remote.read(index.rows), index).digests) == COUNT


def test_a_build_whose_index_arrived_is_whole_whatever_was_heard_of_it(remote, monkeypatch):
    write = Remote.write

    def unheard(remote, name, data):
        write(remote, name, data)
        if name == INDEX:
            raise RunError("no answer")

    monkeypatch.setattr(Remote, "write", unheard)
    with pytest.raises(RunError, match="no answer"):
        write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES)
    index = Index.of(remote.read(INDEX))
    assert len(all_pixels(remote, index)) == COUNT


def test_what_cannot_be_cleaned_away_is_told(remote, monkeypatch, caplog):
    def away(*_):
        raise RunError("the store is away")

    monkeypatch.setattr(Remote, "remove", away)
    monkeypatch.setattr("atelier.data.shard_writing.RowsBuilder.arrays", away)
    with pytest.raises(RunError, match="the store is away"):
        write_shards(Paintings(COUNT), SIZE, remote, MEGABYTES)
    token = min(remote.names()).split("-")[1]
    assert f"files named *-{token}-* are left behind and can be removed (the store is away)" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no index of shards"),
        ("[]", "no index of shards"),
        ("{}", "no index of shards"),
        ('{"layout": 0}', "of layout 0, and this version reads 1"),
    ],
)
def test_other_indices_are_refused(text, message):
    with pytest.raises(DamagedShard, match=message):
        Index.of(text.encode())


def test_an_index_comes_back(remote, index):
    again = Index.of(remote.read(INDEX))
    assert again == index
    assert again.key == index.key
    assert json.loads(index.text())["about"]["source"]["name"] == "procedural"
    with pytest.raises(DamagedShard, match="checksum"):
        refuse_other(remote.read(index.rows) + b" ", index.rows_sha256)
