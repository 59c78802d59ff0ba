"""Pairs that cannot be learned from are told in one clear line."""

import pytest
from coordinates import put
from pairs_on_disk import put_both, put_pair

from atelier.data.paired import PairedPictures
from atelier.errors import ConfigError, UserError

SMALL = {"image_size": 8, "batch_size": 4, "seed": 0, "resize": 24}


@pytest.fixture
def module():
    def prepared(**changes):
        data = PairedPictures(**SMALL | changes)
        data.prepare()
        return data

    return prepared


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "root must be a folder of side-by-side pictures, or data.content and data.target two folders"),
        ({"content": "."}, r"target must be a folder where data\.content is one, got None"),
        ({"target": "."}, r"content must be a folder where data\.target is one, got None"),
        ({"root": ".", "content": "."}, r"content must be null where data\.root is given, got '\.'"),
        ({"root": ".", "target": "."}, r"target must be null where data\.root is given, got '\.'"),
        ({"root": "my/pairs"}, "root: no such folder: 'my/pairs'"),
        ({"root": __file__}, "root: not a folder: '"),
        ({"content": "my/sketches", "target": "."}, "content: no such folder: 'my/sketches'"),
        ({"content": ".", "target": "my/pictures"}, "target: no such folder: 'my/pictures'"),
        (
            {"content": ".", "target": ".", "direction": "right_to_left"},
            r"direction must be left_to_right where data\.root is null, got 'right_to_left'; exchange data\.content",
        ),
        (
            {"root": ".", "direction": "backwards"},
            r"direction must be one of \['left_to_right', 'right_to_left'\], got 'backwards'",
        ),
        ({"root": ".", "image_size": 4}, "image_size must be at least 8, got 4"),
        ({"root": ".", "resize": 7}, r"resize must be at least data\.image_size \(8\), got 7"),
        ({"root": ".", "zoom": 0.9}, r"zoom must be at least 1, got 0\.9"),
        ({"root": ".", "validation": 1.0}, r"validation must be between 0 and 1, got 1\.0"),
        ({"root": ".", "batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        PairedPictures(**SMALL | changes)


def found_unfit(module, **given):
    with pytest.raises(UserError) as caught:
        module(**given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("contents", "targets", "message"),
    [
        (
            "a.png b.png c.png d.png e.png f.png",
            "a.png b.jpg x/c.png y.png",
            "data.target: names must be those of data.content, suffixes aside, but 4 of 6 pictures in data.content have"
            " no partner: c.png, d.png, e.png, … (4 in all); 2 of 4 pictures in data.target have no partner: x/c.png, "
            "y.png",
        ),
        (
            "a.png b.png",
            "a.png",
            "data.target: names must be those of data.content, suffixes aside, but 1 of 2 pictures in data.content have"
            " no partner: b.png",
        ),
        (
            "a.png b.png c.png d.png",
            "x.png y.png",
            "data.target: no picture is called like one of data.content, suffixes aside: x.png, y.png against a.png, "
            "b.png, c.png, … (4 in all)",
        ),
        (
            "a.jpg a.png",
            "a.png",
            "data.content: 'a.jpg' and 'a.png' differ in nothing but their suffix, which does not pair",
        ),
        (
            "a.jpg",
            "a.jpg a.png",
            "data.target: 'a.jpg' and 'a.png' differ in nothing but their suffix, which does not pair",
        ),
    ],
)
def test_folders_that_do_not_pair(tmp_path, module, contents, targets, message):
    for folder, given in {"content": contents, "target": targets}.items():
        for name in given.split():
            put(tmp_path / folder / name, 1)
    found = found_unfit(module, content=str(tmp_path / "content"), target=str(tmp_path / "target"))
    assert found == message


def test_folders_without_a_whole_pair(tmp_path, module):
    for number in range(2):
        put_pair(tmp_path, str(number), number)
    folders = {"content": str(tmp_path / "content"), "target": str(tmp_path / "target")}
    (tmp_path / "content" / "0.png").write_bytes(b"")
    (tmp_path / "target" / "1.bmp").write_bytes(b"")
    assert found_unfit(module, **folders) == "data.target: there are 2 pairs, and each has a broken picture"
    (tmp_path / "target" / "0.bmp").write_bytes(b"")
    assert found_unfit(module, **folders).startswith("data.target: none of the 2 pictures can be used (0.bmp: empty")
    for path in (tmp_path / "content").iterdir():
        path.unlink()
    assert found_unfit(module, **folders).startswith("data.content: no pictures in '")
    assert found_unfit(module, root=str(tmp_path / "content")).startswith("data.root: no pictures in '")


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize(("width", "height"), [(47, 24), (24, 48), (24, 24)])
def test_pictures_that_do_not_fall_into_halves(tmp_path, module, width, height, number):
    for name in range(6):
        put_both(tmp_path / f"{name}.png", name)
    for name in range(number):
        put(tmp_path / f"{name}.png", name, width=width, height=height)
    (tmp_path / "torn.png").write_bytes(b"no picture")
    message = (
        "data.root: side-by-side pictures must be wider than tall and of even width, "
        f"but {number} of 7 are not: 0.png ({width} x {height})"
    )
    found = found_unfit(module, root=str(tmp_path))
    assert found.startswith(message)
    assert found.endswith(f"2.png ({width} x {height}), …" if number == 5 else message[-7:])


def test_fewer_pairs_than_a_batch(tmp_path, module):
    for number in range(5):
        put_both(tmp_path / f"{number}.png", number)
    assert found_unfit(module, root=str(tmp_path), batch_size=5) == (
        "data.batch_size: a batch has 5 pairs, but only 4 are for training (1 more are held out for validation)"
    )
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    assert found_unfit(module, root=str(tmp_path)).startswith("data.root: none of the 5 pictures can be used (")


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        ([], r"data.root: must be a folder of side-by-side pictures, or data\.content and data\.target two folders"),
        (["data.root=nowhere"], "data.root: no such folder: 'nowhere'"),
        (["data.root=.", "data.direction=back"], "data.direction: .*'left_to_right'.*'right_to_left'.*'back'"),
        (["data.content=."], r"data.target: must be a folder where data\.content is one, got None"),
    ],
)
def test_faults_are_told_before_anything_is_decoded(checked, overrides, fault):
    with pytest.raises(ConfigError, match=fault):
        checked("data=paired", *overrides)
