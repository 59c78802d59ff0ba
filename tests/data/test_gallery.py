import errno
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from atelier.data.gallery import Gallery
from atelier.errors import UserError
from atelier.failures import exit_code


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def put(tmp_path):
    """Writes pictures of noise, by their names and sizes (width, height), into a folder; gives that folder."""

    def write(folder="pictures", **sizes):
        for seed, (name, (width, height)) in enumerate(sizes.items()):
            path = tmp_path / folder / f"{name.replace('__', '/')}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(noise).save(path)
        return tmp_path / folder

    return write


def test_pictures_come_in_the_order_of_their_names_and_to_the_bit(put):
    root = put(b=(8, 6), a=(8, 6), c__d=(8, 6))
    gallery = Gallery(root, "--real")
    assert gallery.names == ["a.png", "b.png", "c/d.png"]
    assert len(gallery) == 3
    expected = torch.stack([torch.tensor(np.array(Image.open(root / name))).permute(2, 0, 1) for name in gallery.names])
    for size in (1, 2, 3, 64):
        batches = [*gallery.batches(size)]
        assert [len(batch) for batch in batches] == ([3] if size >= 3 else [2, 1] if size == 2 else [1, 1, 1])
        assert torch.equal(torch.stack([*chain(*batches)]), expected)


def test_pictures_keep_their_own_sizes(put):
    gallery = Gallery(put(a=(8, 6), b=(8, 6), c=(5, 9), d=(8, 6)), "--real")
    found = [*chain(*gallery.batches(2))]
    assert [picture.shape for picture in found] == [(3, 6, 8), (3, 6, 8), (3, 9, 5), (3, 6, 8)]
    assert {picture.dtype for picture in found} == {torch.uint8}


def test_sub_folders_are_classes_where_every_picture_lies_in_one(put):
    gallery = Gallery(put(sky__a=(4, 4), sea__b=(4, 4), sea__deep__c=(4, 4)), "--real")
    assert gallery.classes == ("sea", "sky")
    assert gallery.labels.tolist() == [0, 0, 1]
    without = Gallery(put("others", sky__a=(4, 4), b=(4, 4)), "--real")
    assert without.classes == ()
    assert without.labels is None


def test_labels_are_places_among_the_classes_of_the_other_folder(put):
    gallery = Gallery(put(sky__a=(4, 4), sea__b=(4, 4)), "--fake")
    assert gallery.labels_among(("sand", "sea", "sky")).tolist() == [1, 2]
    assert gallery.labels_among(("sand", "sky")) is None
    assert gallery.labels_among(()) is None


def test_the_key_changes_with_a_pixel_and_with_a_name_and_not_with_the_place(put):
    keys = [Gallery(put(folder, a=(4, 4), b=(4, 4)), "--real").key for folder in ("one", "two")]
    assert keys[0] == keys[1]
    renamed = put("three", a=(4, 4), b=(4, 4))
    (renamed / "b.png").rename(renamed / "c.png")
    changed = put("four", a=(4, 4), b=(4, 4))
    pixels = np.array(Image.open(changed / "b.png"))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(changed / "b.png")
    assert len({keys[0], Gallery(renamed, "--real").key, Gallery(changed, "--real").key}) == 3


def test_a_broken_picture_ends_it_by_name(put):
    root = put(a=(4, 4), b=(4, 4))
    (root / "b.png").write_bytes((root / "b.png").read_bytes()[:40])
    with pytest.raises(UserError, match=r"--fake: .*/b\.png cannot be used \(.+\)$"):
        [*Gallery(root, "--fake").batches(8)]


def test_what_is_no_folder_of_pictures_is_said_with_the_option(put, tmp_path):
    with pytest.raises(UserError, match="--real: no such folder: '.*nowhere'"):
        Gallery(tmp_path / "nowhere", "--real")
    root = put(a=(4, 4))
    with pytest.raises(UserError, match=r"--real: not a folder: '.*a\.png'"):
        Gallery(root / "a.png", "--real")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="--real: no pictures in"):
        Gallery(tmp_path / "empty", "--real")


def test_a_picture_that_the_process_cannot_open_now_is_not_the_users_fault(put, monkeypatch):
    """Nor has the folder another key then."""
    gallery = Gallery(put(a=(8, 6)), "--real")

    def exhausted(path, *_):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    for opener in ("read_bytes", "open"):
        monkeypatch.setattr(Path, opener, exhausted)
    for look in (lambda: [*gallery.batches(1)], lambda: gallery.key):
        with pytest.raises(OSError, match="Too many open files") as refused:
            look()
        assert exit_code(refused.value) == 1
