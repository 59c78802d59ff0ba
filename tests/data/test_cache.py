"""The pixel cache: made once, by one, whole or not at all."""

import errno
import json
import logging
import os
import shutil
import threading
from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

from atelier.data import building
from atelier.data.cache import cached
from atelier.data.pictures import BrokenPicture
from atelier.data.sources import Rendered
from atelier.errors import RunError, UserError

SIZE = 8


@dataclass(frozen=True)
class Plain:
    number: int
    broken: bool = False

    @property
    def name(self):
        return f"plain-{self.number}"

    def render(self, size):
        if self.broken:
            raise BrokenPicture("torn")
        labels = {"shade": str(self.number)} | ({"odd": "yes"} if self.number % 2 else {})
        return Rendered(np.full((size, size, 3), self.number, np.uint8), labels, held_out=self.number == 3)


@dataclass
class Plains:
    """Pictures of one shade each; counts how often it is asked for them."""

    number: int
    broken: tuple[int, ...] = ()
    name: str = "plains"
    asked: int = field(default=0)

    def key(self):
        return f"{self.number} {self.broken}"

    def about(self):
        return {"made of": "one shade each"}

    def count(self):
        return self.number

    def pictures(self):
        self.asked += 1
        return (Plain(number, number in self.broken) for number in range(self.number))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def left_behind(root):
    """Everything in the pixel cache but locks."""
    return sorted(path.name for path in (root / "pixels").glob("[!.]*"))


def test_made_once(root):
    source = Plains(12)
    made, found = cached(source, SIZE), cached(source, SIZE)
    assert source.asked == 1
    for cache in (made, found):
        assert cache.pixels.shape == (12, SIZE, SIZE, 3)
        assert not cache.pixels.flags.writeable
        assert cache.pixels[:, 0, 0, 0].tolist() == list(range(12))
        assert cache.held_out.tolist() == [number == 3 for number in range(12)]
        assert len(np.unique(cache.digests, axis=0)) == 12
        assert cache.columns["shade"].names == tuple(map(str, range(12)))  # 9 before 10
        assert cache.columns["shade"].codes.tolist() == list(range(12))
        assert cache.columns["odd"].names == ("unknown", "yes")
        assert cache.columns["odd"].codes.tolist() == [0, 1] * 6
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["source"] == {"name": "plains", "made of": "one shade each", "key": "12 ()"}
    assert (manifest["size"], manifest["count"], manifest["broken"]) == (SIZE, 12, [])


def test_each_content_and_size_has_its_own(root):
    folders = {cached(source, size).folder for source in (Plains(4), Plains(5)) for size in (8, 16)}
    assert len(folders) == 4


def test_an_unknown_number_of_pictures(root, monkeypatch):
    monkeypatch.setattr(
        "atelier.data.rendering._render_in_processes", lambda pictures, size: (p.render(size) for p in pictures)
    )
    source = Plains(7)
    source.count = lambda: None
    assert len(cached(source, SIZE).pixels) == 7


def test_broken_pictures_are_named_once(root, caplog):
    source = Plains(20, broken=(0, 2, 3, 4, 6, 7, 19))
    cache = cached(source, SIZE)
    assert cache.pixels[:, 0, 0, 0].tolist() == [number for number in range(20) if number not in source.broken]
    assert cache.columns["shade"].names[cache.columns["shade"].codes[0]] == "1"
    (line,) = caplog.messages
    assert "7 of 20 pictures are broken and left out (plain-0: torn; plain-2: torn;" in line
    assert "and 2 more); all are named in" in line
    manifest = json.loads((cache.folder / "manifest.json").read_text())
    assert [broken["name"] for broken in manifest["broken"]] == [f"plain-{number}" for number in source.broken]
    assert cached(source, SIZE).broken == 7
    assert len(caplog.messages) == 1


def test_none_left(root):
    with pytest.raises(UserError, match=r"none of the 2 pictures can be used \(plain-0: torn; plain-1: torn\)"):
        cached(Plains(2, broken=(0, 1)), SIZE)
    assert left_behind(root) == []


def test_pictures_that_change_meanwhile_are_not_kept(root, monkeypatch):
    source = Plains(4)
    pictures = source.pictures

    def vanish():
        source.broken = (2,)
        return pictures()

    monkeypatch.setattr(source, "pictures", vanish)
    with pytest.raises(RunError, match="plains: pictures were changed, or vanished, while they were prepared"):
        cached(source, SIZE)
    assert left_behind(root) == []


def refuse(error):
    def refused(*_, **__):
        raise error

    return refused


DAMAGE = {
    "truncated pixels": lambda folder: os.truncate(folder / "pixels.npy", 500),
    "truncated rows": lambda folder: os.truncate(folder / "rows.npz", 100),
    "empty rows": lambda folder: os.truncate(folder / "rows.npz", 0),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "half a manifest": lambda folder: os.truncate(folder / "manifest.json", 30),
    "another manifest": lambda folder: (folder / "manifest.json").write_text(
        '{"count": 3, "classes": {}, "broken": []}'
    ),
    "no pixels": lambda folder: (folder / "pixels.npy").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_mended(root, damage, caplog):
    source = Plains(5)
    damage(cached(source, SIZE).folder)
    cache = cached(source, SIZE)
    assert cache.pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert source.asked == 2
    assert "is made anew: " in caplog.text
    assert left_behind(root) == [cache.folder.name]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO])
def test_a_cache_is_not_damaged_because_it_cannot_be_opened_now(root, number, monkeypatch):
    source = Plains(5)
    folder = cached(source, SIZE).folder
    made = folder.stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr("numpy.load", refuse(OSError(number, os.strerror(number))))
        with pytest.raises(OSError, match=os.strerror(number)):
            cached(source, SIZE)
    assert len(cached(source, SIZE).pixels) == 5
    assert (source.asked, folder.stat().st_ino) == (1, made)


def test_what_killed_builds_left_is_removed(root):
    source = Plains(5)
    folder = cached(source, SIZE).folder
    shutil.rmtree(folder)
    for name in (folder.name, "other-8-0123"):
        (root / "pixels" / f"{name}.building").mkdir()
        (root / "pixels" / f"{name}.building" / "pixels.npy").write_bytes(b"half")
    cached(source, SIZE)
    assert left_behind(root) == [folder.name]


def test_of_two_one_builds_and_the_other_waits(root, caplog):
    caplog.set_level(logging.INFO)
    second_waits = threading.Event()

    class Noticing(logging.Handler):
        def emit(self, record):
            if "waiting for it" in record.getMessage():
                second_waits.set()

    class Slow(Plains):
        def pictures(self):
            threading.Thread(target=lambda: found.append(cached(source, SIZE))).start()
            assert second_waits.wait(10)
            return super().pictures()

    source, found, handler = Slow(5), [], Noticing()
    logging.getLogger("atelier.locks").addHandler(handler)
    try:
        cached(source, SIZE)
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join(10)
    finally:
        logging.getLogger("atelier.locks").removeHandler(handler)
    assert source.asked == 1
    assert found[0].pixels[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_full_disk_is_noticed_before(root, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(building.shutil, "disk_usage", lambda folder: usage(1000))
    source = Plains(5000)
    with pytest.raises(RunError, match=rf"no space left in {root}/pixels: the pixels need 1\.0 MB \(ATELIER"):
        cached(source, SIZE)
    assert source.asked == 0


def test_a_full_disk_is_noticed_while_writing(root, monkeypatch):
    def fill_up(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(building.os, "fsync", fill_up)
    with pytest.raises(RunError, match="no space left"):
        cached(Plains(5), SIZE)
    assert left_behind(root) == []


def test_a_cache_folder_that_cannot_be(root):
    root.write_text("a file where the folder should be")
    with pytest.raises(UserError, match=f"cannot write into the cache folder {root}/pixels.*ATELIER_CACHE moves it"):
        cached(Plains(5), SIZE)
