"""The data modules: what they refuse, and what they know once prepared."""

import logging

import pytest
from PIL import Image

from atelier.data.collections import Cifar10, Folder, Procedural, WikiArt
from atelier.data.types import Images
from atelier.errors import UserError

SMALL = {"image_size": 8, "batch_size": 4, "seed": 0}


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Procedural, {"image_size": 4}, "image_size must be at least 8, got 4"),
        (Procedural, {"batch_size": 0}, "batch_size must be at least 1, got 0"),
        (Procedural, {"num_workers": -1}, "num_workers must be at least 0, got -1"),
        (Procedural, {"validation": 1.0}, r"validation must be between 0 and 1, got 1\.0"),
        (Procedural, {"count": 1}, "count must be at least 2, got 1"),
        (Procedural, {"label": "artist"}, r"label must be one of \['style', 'palette', None\], got 'artist'"),
        (WikiArt, {"label": "class"}, r"label must be one of \['style', 'artist', 'genre', None\], got 'class'"),
        (Cifar10, {"fit": "foo"}, r"fit must be one of \['crop', 'pad', 'squash'\], got 'foo'"),
        (WikiArt, {"root": "my/paintngs"}, "root: no such folder: 'my/paintngs'"),
        (Folder, {"root": "my/paintngs"}, "root: no such folder: 'my/paintngs'"),
        (Folder, {"root": __file__}, "root: not a folder: '"),
    ],
)
def test_refused(kind, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        kind(**SMALL | arguments)


def test_prepared(caplog):
    caplog.set_level(logging.INFO)
    data = Procedural(**SMALL, count=40, label="style", validation=0.2)
    data.prepare_data()
    data.setup("fit")
    assert (len(data.train_pixels), len(data.validation_pixels)) == (32, 8)
    assert data.classes == tuple(sorted(data.classes))
    batch = next(iter(data.train_dataloader()))
    assert isinstance(batch, data.batch)
    assert isinstance(batch, Images)
    assert batch.image.shape == (4, 3, 8, 8)
    assert batch.label.max() < len(data.classes)
    assert sum(len(batch.image) for batch in data.val_dataloader()) == 8
    assert caplog.messages.count("32 pictures for training, 8 for validation") == 1


def test_the_pictures_do_not_depend_on_the_run():
    one = Procedural(**SMALL, count=40)
    other = Procedural(image_size=8, batch_size=5, seed=9, count=40, label="palette", hflip=False)
    for data in (one, other):
        data.prepare()
    assert one.fingerprint == other.fingerprint
    assert one.train_pixels.key == other.train_pixels.key != one.validation_pixels.key
    assert one.classes == ()


def test_fewer_pictures_than_a_batch():
    with pytest.raises(UserError, match=r"data.batch_size: a batch has 20 pictures, but only 18 are for training \(2 "):
        Procedural(image_size=8, batch_size=20, seed=0, count=20).prepare()


def put(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (9, 9), shade).save(path)


def test_a_folder(tmp_path, caplog):
    for shade in range(20):
        put(tmp_path / ("dark" if shade < 10 else "light") / f"{shade}.png", shade)
    (tmp_path / "dark" / "torn.png").write_bytes(b"")
    data = Folder(root=str(tmp_path), label="class", **SMALL)
    data.prepare()
    assert data.classes == ("dark", "light")
    assert (len(data.train_pixels), len(data.validation_pixels)) == (18, 2)
    for pixels in (data.train_pixels, data.validation_pixels):
        assert ((pixels.images(0, 20)[:, 0, 0, 0] >= 10).long() == pixels.labels).all()
    assert "1 of 21 pictures are broken and left out (dark/torn.png: empty file)" in caplog.text
    caplog.clear()
    caplog.set_level(logging.INFO)
    Folder(root=str(tmp_path), **SMALL).prepare()
    assert caplog.messages == ["18 pictures for training, 2 for validation; 1 are broken and left out"]


def test_a_folder_without_classes(tmp_path):
    for shade in range(8):
        put(tmp_path / f"{shade}.png", shade)
    with pytest.raises(UserError, match=r"data.label: these pictures have no 'class', which are the sub-folders"):
        Folder(root=str(tmp_path), label="class", **SMALL).prepare()
    put(tmp_path / "dark" / "8.png", 8)
    with pytest.raises(UserError, match=r"no 'class', .* '0.png' and 7 more: move .*; or data.label=null$"):
        Folder(root=str(tmp_path), label="class", **SMALL).prepare()


def test_a_changed_folder_never_meets_its_old_pixels(tmp_path):
    for shade in range(8):
        put(tmp_path / f"{shade}.png", shade)
    before, after = Folder(root=str(tmp_path), **SMALL), Folder(root=str(tmp_path), **SMALL)
    before.prepare()
    put(tmp_path / "0.png", 99)
    after.prepare()
    assert after.fingerprint != before.fingerprint
    shades = {
        pixel
        for pixels in (after.train_pixels, after.validation_pixels)
        for pixel in pixels.images(0, 8)[:, 0, 0, 0].tolist()
    }
    assert shades == {*range(1, 8), 99}


class Place:
    """All that a data module wants to know of a trainer in the second of two processes."""

    global_step, accumulate_grad_batches, global_rank, world_size = 3, 1, 1, 2
    strategy = type("", (), {"root_device": type("", (), {"type": "cpu"})})


def test_a_rank_has_its_share():
    data = Procedural(**SMALL, count=40)
    data.prepare()
    alone = [batch.image for batch, _ in zip(data.train_dataloader(), range(4), strict=False)]
    data.trainer = Place()
    assert next(iter(data.train_dataloader())).image.equal(alone[3][2:])


@pytest.mark.slow
@pytest.mark.parametrize(("label", "count"), [("style", 2), ("artist", 129), ("genre", 11)])
def test_wikiart(shared_data, label, count):
    data = WikiArt(root=str(shared_data / "wikiart_mini"), label=label, image_size=16, batch_size=4, seed=0)
    data.prepare()
    assert len(data.train_pixels) + len(data.validation_pixels) == 8419
    assert 2 <= len(data.classes) <= count
    if label == "style":
        assert data.classes == ("Impressionism", "Post_Impressionism")


@pytest.mark.slow
def test_cifar10(shared_data):
    data = Cifar10(root=str(shared_data / "cifar10"), label="class", image_size=32, batch_size=4, seed=0)
    data.prepare()
    assert (len(data.train_pixels), len(data.validation_pixels)) == (10_000, 10_000)
    assert data.classes[3] == "cat"
    assert data.train_pixels.labels.bincount().float().std() < 50
