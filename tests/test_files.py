"""Files that are written whole, or not at all."""

import errno
import os

import pytest

from atelier.failures import describe
from atelier.files import replacing


def write(path, text="new"):
    with replacing(path) as partial:
        partial.write_text(text)


def test_a_file_is_as_readable_as_any_other_and_the_process_keeps_its_mask(tmp_path, monkeypatch):
    """The mask is never asked for again: two threads that set it at once would leave a wrong one."""
    (tmp_path / "plain").touch()
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the mask was set"))
    write(tmp_path / "deep" / "made")
    assert (tmp_path / "deep" / "made").read_text() == "new"
    assert (tmp_path / "deep" / "made").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_is_not_replaced_and_nothing_is_left(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(IsADirectoryError) as caught, replacing(tmp_path / "there"):
        pytest.fail("this would be known only when all is written")
    assert describe(caught.value) == f"cannot use {tmp_path / 'there'}: Is a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("name", ["x" * 250, "x" * 300])
def test_a_long_name_is_told_as_it_was_given(name, tmp_path):
    with pytest.raises(OSError, match="too long") as caught:
        write(tmp_path / name)
    assert describe(caught.value) == f"cannot use {tmp_path / name}: File name too long"


def test_where_no_folder_can_be_made(tmp_path, monkeypatch):
    """As below /proc, which says of a folder that it cannot make that it is not there."""

    def mkdir(path, *_, **__):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    monkeypatch.setattr("pathlib.Path.mkdir", mkdir)
    with pytest.raises(PermissionError) as caught:
        write(tmp_path / "deep" / "made")
    assert describe(caught.value) == f"cannot use {tmp_path / 'deep'}: no folder can be made there"


def test_a_file_that_is_not_there_is_a_bug_all_the_same(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "made") as partial:
        (tmp_path / "absent").read_text()
    assert describe(caught.value) is None
    assert not partial.exists()


def test_what_killed_processes_left_half_written_goes_when_nobody_can_be_writing_it(tmp_path):
    write(tmp_path / "elsewhere" / "made")
    names = (".a.png.12345678.partial", ".b.png.abcdefg_.partial", ".c.partial")
    old, new, others = (tmp_path / name for name in names)
    for half in (old, new, others):
        half.touch()
    for half in (old, others):
        os.utime(half, (0, 0))
    write(tmp_path / "made")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["elsewhere", "made", new.name, others.name])
