import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from atelier.data.folder import Files
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.failures import describe, exit_code


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "pictures"


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(folder / name, "PNG")


def found(folder):
    return {picture.name: picture.labels.get("class") for picture in Files(folder, "crop").pictures()}


def test_the_first_folder_is_the_class(folder):
    put(folder, "b/one.png", "a/two.JPG", "a/deeper/down/three.webp")
    assert found(folder) == {"a/deeper/down/three.webp": "a", "a/two.JPG": "a", "b/one.png": "b"}
    assert Files(folder, "crop").count() == 3


def test_pictures_in_the_folder_itself_mean_no_classes(folder):
    put(folder, "one.png", "a/two.png")
    assert found(folder) == {"a/two.png": None, "one.png": None}


def test_what_is_no_picture_is_left_alone(folder):
    put(folder, "a/one.png", "a/.hidden.png", ".thumbnails/two.png", "a/._one.png")
    (folder / "a/notes.txt").write_text("hello")
    (folder / "a/folder.png").mkdir()
    assert [*found(folder)] == ["a/one.png"]


def test_nothing_is_read_from_a_pipe(folder):
    put(folder, "a/one.png")
    os.mkfifo(folder / "a" / "two.png")
    assert [*found(folder)] == ["a/one.png"]


@pytest.fixture
def closed(folder, monkeypatch):
    """Has the system say such a thing of the folder `b`."""
    put(folder, "a/one.png", "b/two.png")
    scandir = os.scandir

    def close(number):
        def scan(path):
            if Path(path).name == "b":
                raise OSError(number, os.strerror(number), str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", scan)

    return close


def test_a_folder_that_may_not_be_entered_is_told(folder, closed, caplog):
    closed(errno.EACCES)
    assert [*found(folder)] == ["a/one.png"]
    assert caplog.messages == [f"{folder / 'b'} is left out: Permission denied"]


def test_a_folder_that_cannot_be_read_just_now_is_not_left_out(folder, closed):
    closed(errno.EIO)
    with pytest.raises(OSError, match="Input/output error: '.*b'"):
        found(folder)


def test_links_are_followed_once(folder, tmp_path):
    put(tmp_path / "elsewhere", "two.png")
    put(folder, "a/one.png")
    (folder / "b").symlink_to(tmp_path / "elsewhere")
    (folder / "a" / "round").symlink_to(folder)
    assert found(folder) == {"a/one.png": "a", "b/two.png": "b"}


def test_a_folder_without_pictures(folder):
    folder.mkdir()
    with pytest.raises(UserError, match=rf"data.root: no pictures in '{folder}' \(looked for .*\.png"):
        Files(folder, "crop").count()


def test_a_file_that_vanishes_is_broken(folder):
    put(folder, "one.png", "two.png")
    picture, _ = Files(folder, "crop").pictures()
    assert picture.render(8).pixels[0, 0].tolist() == [255, 0, 0]
    (folder / "one.png").unlink()
    with pytest.raises(BrokenPicture, match="cannot be read: No such file"):
        picture.render(8)


def test_a_picture_that_the_process_cannot_open_now_is_not_broken(folder, monkeypatch):
    put(folder, "one.png")
    (picture,) = Files(folder, "crop").pictures()

    def exhausted(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(Path, "read_bytes", exhausted)
    with pytest.raises(OSError, match="Too many open files") as refused:
        picture.render(8)
    assert exit_code(refused.value) == 1
    assert describe(refused.value) == f"cannot use {folder / 'one.png'}: Too many open files"


def test_the_key_is_the_content_and_the_fit(folder):
    put(folder, "a/one.png")
    key = Files(folder, "crop").key()
    assert Files(folder, "pad").key() != key
    put(folder, "a/two.png")
    assert Files(folder, "crop").key() != key
    (folder / "a/two.png").unlink()
    assert Files(folder.rename(folder.with_name("moved")), "crop").key() == key
