import os

import pytest

from atelier.data import fingerprint as module
from atelier.data.fingerprint import digest_of, fingerprint

FILES = {"a/one.jpg": b"1", "a/two.jpg": b"22", "b/three.jpg": b"333"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_SETTLED_NS", 0)  # the files were written a moment ago
    for name, data in FILES.items():
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pictures" / name).write_bytes(data)
    return tmp_path / "pictures"


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that are read."""
    names = []
    original = module.hashlib.file_digest

    def file_digest(file, kind):
        names.append(os.path.basename(file.name))  # noqa: PTH119
        return original(file, kind)

    monkeypatch.setattr(module.hashlib, "file_digest", file_digest)
    return names


def test_an_untouched_file_is_not_read_again(folder, reads):
    first = fingerprint(folder, [*FILES])
    assert len(reads) == 3
    assert fingerprint(folder, [*FILES]) == first
    assert len(reads) == 3
    (folder / "a/two.jpg").write_bytes(b"2!")
    assert fingerprint(folder, [*FILES]) != first
    assert reads[3:] == ["two.jpg"]


def test_a_changed_file_with_its_old_size_and_time(folder):
    first, status = fingerprint(folder, [*FILES]), (folder / "a/two.jpg").stat()
    (folder / "a/two.jpg").write_bytes(b"2!")
    os.utime(folder / "a/two.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert fingerprint(folder, [*FILES]) != first


def test_a_file_just_written_is_not_trusted(folder, reads, monkeypatch):
    monkeypatch.setattr(module, "_SETTLED_NS", 3600 * 10**9)
    fingerprint(folder, [*FILES])
    fingerprint(folder, [*FILES])
    assert len(reads) == 6


def test_names_matter_and_the_place_does_not(folder):
    first = fingerprint(folder, [*FILES])
    moved = folder.rename(folder.with_name("elsewhere"))
    assert fingerprint(moved, [*FILES]) == first
    (moved / "a/one.jpg").rename(moved / "b/one.jpg")
    assert fingerprint(moved, ["b/one.jpg", "a/two.jpg", "b/three.jpg"]) != first
    assert fingerprint(moved, ["a/two.jpg", "b/three.jpg"]) != first


@pytest.mark.parametrize("memo", ["", "[1]", '{"a/one.jpg": 3}', "{"])
def test_a_damaged_memo_is_forgotten(folder, memo):
    first = fingerprint(folder, [*FILES])
    (path,) = (folder.parent / "cache" / "fingerprints").iterdir()
    path.write_text(memo)
    assert fingerprint(folder, [*FILES]) == first


def test_without_a_place_for_the_memo(folder, monkeypatch):
    first = fingerprint(folder, [*FILES])
    monkeypatch.setenv("ATELIER_CACHE", "/dev/null/cache")
    assert fingerprint(folder, [*FILES]) == first


def test_a_missing_file_is_part_of_the_fingerprint(folder):
    first = fingerprint(folder, [*FILES])
    (folder / "a/one.jpg").unlink()
    assert fingerprint(folder, [*FILES]) not in (first, fingerprint(folder, [*FILES][1:]))


def test_where_a_text_ends_makes_a_difference():
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"]) != digest_of(["abc"])
    assert len(digest_of([])) == 32
