"""Contents with styles: two independent orders of random crops."""

from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from batches import exact, names
from coordinates import coordinates, put, training
from torch.testing import assert_close

from atelier.data.collections import Procedural, WikiArt
from atelier.data.pairing import PairStream
from atelier.data.pairs import ContentStyle
from atelier.data.types import Pair
from atelier.errors import ConfigError, UserError

SMALL = {"image_size": 8, "batch_size": 4, "seed": 0}


def corners(images):
    """Top and left of each crop, (B, 2); unmirrored."""
    return images[:, 1:].amin((2, 3)).add(1).mul(127.5 / 8).round().long()


def piece(name, corner):
    top, left = corner
    return torch.from_numpy(coordinates(name)[top : top + 8, left : left + 8]).permute(2, 0, 1) / 127.5 - 1


def test_a_batch(content_style):
    batch = training(content_style(), 1)[0]
    assert isinstance(batch, ContentStyle.batch)
    assert batch.content.shape == batch.style.shape == (4, 3, 8, 8)
    assert batch.content.is_contiguous()
    assert batch.label is None
    assert max(names(batch.content)) < 30
    assert min(names(batch.style)) >= 40


@pytest.mark.parametrize("hflip", [False, True])
def test_crops_are_parts_of_the_pictures_and_vary(content_style, hflip):
    batches = training(content_style(hflip=hflip), 40)
    for side in ("content", "style"):
        images = torch.cat([getattr(batch, side) for batch in batches])
        places = corners(images)
        assert places.min() == 0
        assert places.max() == 24 - 8
        assert len(places.unique(dim=0)) > 80
        expected = torch.stack([piece(*named) for named in zip(names(images), places.tolist(), strict=True)])
        mirrored = (images != expected).flatten(1).any(1)
        assert_close(torch.where(mirrored[:, None, None, None], images.flip(3), images), expected)
        assert 0.3 < mirrored.float().mean() < 0.7 if hflip and side == "content" else not mirrored.any()


def test_places_of_crops_are_equally_likely_and_independent():
    draws = np.concatenate([PairStream(8, 8, 8, seed=0, margins=(3, 3)).draw(number).corners for number in range(500)])
    for place in range(4):
        assert np.abs(np.bincount(draws[:, place], minlength=4) - 1000).max() < 140  # five standard deviations
    assert np.abs(np.corrcoef(draws.T) - np.eye(4)).max() < 5 / len(draws) ** 0.5


def test_contents_and_styles_may_be_of_two_sizes(content_style):
    data = content_style(resize=24, style_resize=40)
    corners = np.concatenate([data.stream(0, 1).draw(number).corners for number in range(300)])
    assert corners.min(0).tolist() == [0, 0, 0, 0]
    assert corners.max(0).tolist() == [16, 16, 32, 32]
    assert data.style_pictures().shape[2:] == (40, 40)
    assert data.train_pixels.styles.side == 40


def test_styles_do_not_follow_contents():
    """With as many of both, each content meets each style equally often."""
    stream = PairStream(4, 4, 4, seed=1, margins=(0, 0))
    together = np.zeros((4, 4), int)
    for draw in islice(stream.since(0), 1600):
        np.add.at(together, (draw.indices, draw.styles), 1)
    assert together.sum() == 6400
    assert np.abs(together - 400).max() < 90  # five standard deviations


@pytest.mark.parametrize(("styles", "batch_size"), [(1, 4), (3, 4), (7, 4), (50, 2)])
def test_every_style_is_seen_equally_often(styles, batch_size):
    stream = PairStream(9, styles, batch_size, seed=2, margins=(0, 0))
    drawn = np.concatenate([stream.draw(number).styles for number in range(3 * styles)])
    assert np.bincount(drawn, minlength=styles).tolist() == [3 * batch_size] * styles
    assert sorted(drawn[:styles].tolist()) == [*range(styles)]


def test_the_pinned_order():
    """The order belongs to the results of every run: a change must be on purpose."""
    draw = PairStream(8, 5, 4, seed=0, margins=(16, 16)).draw(3)
    assert draw.indices.tolist() == [2, 6, 1, 7]
    assert draw.flips.tolist() == [True, False, False, True]
    assert draw.styles.tolist() == [3, 4, 1, 0]
    assert draw.corners.tolist() == [[16, 7, 3, 11], [11, 11, 12, 9], [6, 3, 16, 9], [9, 9, 1, 1]]


def test_another_seed_is_another_order_of_the_same_pictures(content_style):
    one, other = content_style(), content_style(seed=1)
    assert one.fingerprint == other.fingerprint
    assert any(names(a.style) != names(b.style) for a, b in zip(training(one, 5), training(other, 5), strict=True))


def test_validation_is_of_held_out_pictures_in_their_middles(content_style):
    data = content_style()
    once, twice = list(data.val_dataloader()), list(data.val_dataloader())
    exact(once, twice)
    contents, styles = ([name for batch in once for name in names(getattr(batch, side))] for side in Pair._fields[:2])
    assert (len(contents), len(set(styles))) == (3, 1)
    seen = training(data, 60)
    assert {name for batch in seen for name in names(batch.content)} == {*range(30)} - {*contents}
    assert {name for batch in seen for name in names(batch.style)} == {*range(40, 47)} - {*styles}
    for batch in once:
        exact(corners(batch.content), torch.full((len(batch.content), 2), 8))


def test_validation_shows_every_picture_of_the_larger_side(content_style):
    batches = list(content_style(label="picture").val_dataloader())
    assert [label for batch in batches for label in batch.label.tolist()] == [*range(7)]
    assert len({name for batch in batches for name in names(batch.content)}) == 3


def test_each_style_a_class(content_style):
    data = content_style(label="picture")
    assert data.classes == (
        *(f"baroque/{number}.png" for number in range(3, 7)),
        *(f"cubism/{n}.png" for n in range(3)),
    )
    numbers = [int(name.split("/")[1][0]) + 40 for name in data.classes]
    for batch in training(data, 10):
        assert names(batch.style) == [numbers[label] for label in batch.label]
    pictures = data.style_pictures()
    exact(pictures, torch.from_numpy(np.stack([coordinates(n) for n in numbers])).permute(0, 3, 1, 2).contiguous())


def test_each_folder_of_styles_a_class(content_style):
    data = content_style(label="folder")
    assert data.classes == ("baroque", "cubism")
    for batch in training(data, 10):
        assert [name < 43 for name in names(batch.style)] == batch.label.bool().tolist()
    assert data.style_count == 7
    assert data.style_pictures()[:, 0, 0, 0].tolist() == [3 * name for name in (43, 44, 45, 46, 40, 41, 42)]


def test_one_picture_is_the_style_of_all(content_style, folders):
    data = content_style(style=str(folders / "art" / "cubism" / "2.png"))
    shown = [*training(data, 5), *data.val_dataloader()]
    assert {name for batch in shown for name in names(batch.style)} == {42}
    assert shown[0].label is None
    assert data.style_pictures().shape == (1, 3, 24, 24)
    assert data.style_count == 1
    labelled = content_style(style=str(folders / "art" / "cubism" / "2.png"), label="picture")
    assert labelled.classes == ("2.png",)
    assert training(labelled, 1)[0].label.tolist() == [0] * 4


def test_the_first_batch_of_all_is_there_for_whoever_asks_for_shapes(content_style):
    pair = content_style().train_pixels.batch(np.zeros(1, int), np.zeros(1, bool))
    assert pair.content.shape == pair.style.shape == (1, 3, 8, 8)


def test_the_fingerprint_follows_the_pixels(content_style, tmp_path):
    for number in range(4):
        put(tmp_path / f"{number}.png", number)
    found = {
        content_style(style=str(tmp_path)).fingerprint,
        content_style().fingerprint,
        content_style(resize=None).fingerprint,
    }
    put(tmp_path / "0.png", 9)
    assert len(found | {content_style(style=str(tmp_path)).fingerprint}) == 4
    assert content_style(image_size=16).fingerprint != content_style().fingerprint


def test_data_modules_as_contents_and_styles(content_style):
    content, style = partial(Procedural, count=20), partial(Procedural, count=12, label="style")
    data = content_style(content=content, style=style, label="folder")
    styles = Procedural(**SMALL | {"image_size": 24}, count=12, label="style")
    styles.prepare()
    assert data.classes == styles.classes
    assert (len(data.train_pixels.contents), len(data.train_pixels.styles)) == (18, 11)


@pytest.mark.slow
def test_wikiart(content_style, shared_data):
    clone = str(shared_data / "wikiart_mini")
    found = content_style(style=clone, label="folder", batch_size=2)
    assert found.classes == ("Impressionism", "Post_Impressionism")
    assert len(found.style_pictures()) == 8419
    given = content_style(style=partial(WikiArt, root=clone, label="style"), label="folder", batch_size=2)
    exact(training(given, 3), training(found, 3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 4}, "image_size must be at least 8, got 4"),
        ({"resize": 7}, r"resize must be at least data\.image_size \(8\), got 7"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"validation": 0.0}, r"validation must be between 0 and 1, got 0\.0"),
        ({"label": "style"}, r"label must be one of \['picture', 'folder', None\], got 'style'"),
        ({"content": "my/photos"}, "content: no such folder: 'my/photos'"),
        ({"content": __file__}, "content: not a folder: '"),
        ({"style": "my/paintngs"}, "style: no such folder: 'my/paintngs'"),
        ({"style": partial(WikiArt, root="wikart")}, "style: root: no such folder: 'wikart'"),
        ({"content": partial(Procedural, count=1)}, "content: count must be at least 2, got 1"),
    ],
)
def test_refused(content_style, changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        content_style(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 28}, r"data\.batch_size: a batch has 28 contents, but only 27 are for training"),
        ({"content": "empty"}, r"data\.content: no pictures in '.*empty'"),
        ({"style": "empty"}, r"data\.style: no pictures in '.*empty'"),
        ({"style": "torn.png"}, r"data\.style: none of the 1 pictures can be used \(torn\.png: not an image\)"),
        ({"style": "torn"}, r"data\.style: '.*train-0\.parquet' cannot be read"),
        ({"style": "coco", "label": "folder"}, r"data\.label: the pictures of data\.style do not lie in sub-folders"),
    ],
)
def test_found_unfit(content_style, folders, tmp_path, changes, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "train-0.parquet").write_bytes(b"PAR")
    (tmp_path / "torn.png").write_bytes(b"no picture")
    (tmp_path / "coco").symlink_to(folders / "coco" / "train2017")
    changes = {key: str(tmp_path / value) if key in ("content", "style") else value for key, value in changes.items()}
    with pytest.raises(UserError, match=f"^{message}"):
        content_style(**changes)


def test_the_shipped_configs(checked, folders):
    assert checked("data=content_style", "data.label=folder").style.keywords == {"count": 512, "label": "style"}
    paths = [f"data.content={folders / 'coco'}", f"data.style={folders / 'art'}"]
    data = checked("data=content_style", *paths, "data.resize=24", "data.image_size=16")
    data.prepare()
    assert len(data.train_pixels.contents) == 27
    file = folders / "art" / "cubism" / "0.png"
    assert checked("data=image_pair", f"data.content={file}", f"data.style={file}").image_size == 512


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["data=content_style", "data.content=nowhere"], "data.content: no such folder: 'nowhere'"),
        (["data=content_style", "data.content._partial_=false"], "data.content: .*add _partial_: true"),
        (["data=image_pair", "data.style=nowhere", "data.content=."], "data.content: not a file: '.'"),
    ],
)
def test_faults_are_told_before_anything_is_decoded(checked, overrides, fault):
    with pytest.raises(ConfigError, match=fault):
        checked(*overrides)
