"""Unpaired pictures of two domains, both mirrored, each for itself; and the pictures that translations should equal."""

import pickle
from itertools import islice

import numpy as np
import pytest
import torch
from batches import exact
from coordinates import coordinates, put, training

from atelier.data.cache import cached
from atelier.data.collections import Procedural
from atelier.data.crops import Crops
from atelier.data.paintings import Paintings
from atelier.data.pairing import PairStream
from atelier.data.pairs import ContentStyle
from atelier.data.pixels import Pixels
from atelier.errors import ConfigError

SMALL = {"image_size": 8, "batch_size": 4, "seed": 0, "resize": 24}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("domains")
    for number in range(20):
        put(root / "photos" / f"{number:02}.png", number)
    for number in range(12):
        put(root / "paintings" / f"{number:02}.png", number + 40)
    return root


@pytest.fixture
def module(folders):
    def prepared(**changes):
        given = {"content": str(folders / "photos"), "style": str(folders / "paintings"), "style_hflip": True}
        data = ContentStyle(**SMALL | given | changes)
        data.prepare()
        return data

    return prepared


def mirrored(images):
    """bool (B,): blue falls from left to right."""
    return images[:, 2, 0, 0] > images[:, 2, 0, -1]


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("style_hflip", [False, True])
def test_each_side_is_mirrored_or_not(module, hflip, style_hflip):
    batches = training(module(hflip=hflip, style_hflip=style_hflip), 100)
    for side, flips in {"content": hflip, "style": style_hflip}.items():
        share = mirrored(torch.cat([getattr(batch, side) for batch in batches])).float().mean()
        assert 0.375 < share < 0.625 if flips else share == 0  # five standard deviations


def test_sides_are_mirrored_independently(module):
    batches = training(module(), 400)
    content, style = (torch.cat([mirrored(getattr(batch, side)) for batch in batches]) for side in ("content", "style"))
    together = torch.stack([content, style]).double().corrcoef()
    assert together[0, 1].abs() < 5 / len(content) ** 0.5


def test_mirrored_styles_are_themselves_mirrored(module):
    """And all else is as without."""
    for one, other in zip(training(module(), 20), training(module(style_hflip=False), 20), strict=True):
        exact(one.content, other.content)
        exact(one.style, torch.where(mirrored(one.style)[:, None, None, None], other.style.flip(3), other.style))


def test_mirroring_styles_draws_nothing_else():
    without, stream = (PairStream(8, 5, 4, 0, (16, 16), style_hflip=flips) for flips in (False, True))
    for number in range(20):
        one, other = stream.draw(number), without.draw(number)
        assert all((left == right).all() for left, right in zip(one[:-1], other[:-1], strict=True))
        assert not other.style_flips.any()


def test_the_pinned_mirroring():
    """It belongs to the results of every run: a change must be on purpose."""
    stream = PairStream(8, 5, 4, 0, (16, 16), style_hflip=True)
    assert [stream.draw(number).style_flips.tolist() for number in (3, 4)] == [
        [True, False, False, True],
        [True, True, True, True],
    ]


def test_a_style_is_not_always_mirrored_or_never():
    stream = PairStream(9, 3, 3, 1, (0, 0), style_hflip=True)
    draws = [stream.draw(number) for number in range(300)]
    styles, flips = (np.concatenate([getattr(draw, side) for draw in draws]) for side in ("styles", "style_flips"))
    for style in range(3):
        assert 0.35 < flips[styles == style].mean() < 0.65


@pytest.mark.parametrize("number", [1, 5])
def test_going_on_is_starting_at_a_number(module, number):
    data = module()
    for one, other in zip(training(data, number + 6)[number:], training(data, 6, start=number), strict=True):
        exact(one.content, other.content)
        exact(one.style, other.style)


@pytest.mark.parametrize("world", [2, 4])
def test_ranks_mirror_together_what_one_mirrors(module, world):
    data = module()
    parts = [list(islice(data.stream(rank, world).since(0), 9)) for rank in range(world)]
    for number, whole in enumerate(islice(data.stream(0, 1).since(0), 9)):
        together = [np.concatenate(field) for field in zip(*(part[number] for part in parts), strict=True)]
        assert all((one == other).all() for one, other in zip(together, whole, strict=True))


def test_validation_is_not_mirrored(module):
    for batch in module().val_dataloader():
        assert not mirrored(batch.content).any()
        assert not mirrored(batch.style).any()


def test_squares_are_zoom_times_the_crops_where_nothing_else_is_said(module):
    sides = {
        (256, 1.117): 286,  # Zhu et al. 2017
        (8, 1.117): 9,
        (8, 1.0): 8,
    }
    for (size, zoom), side in sides.items():
        data = module(resize=None, image_size=size, zoom=zoom)
        assert (data.train_pixels.contents.side, data.train_pixels.styles.side) == (side, side)
    given = module(resize=None, style_resize=30, zoom=1.5)
    assert (given.train_pixels.contents.side, given.train_pixels.styles.side) == (12, 30)
    assert module(resize=None).train_pixels.contents.side == 16
    assert module(resize=20, zoom=5.0).train_pixels.contents.side == 20
    with pytest.raises(ValueError, match=r"^zoom must be at least 1, got 0\.9"):
        module(zoom=0.9)


def test_targets_are_the_styles_for_training_in_their_middles(module):
    data = module()
    found = [*data.targets.batches(4)]
    assert [len(batch) for batch in found] == [4, 4, 3]
    pictures = torch.cat(found)
    assert pictures.dtype == torch.uint8
    assert pictures.is_contiguous()
    numbers = (pictures[:, 0, 0, 0] // 3).tolist()
    held_out = {int(batch.style[0, 0, 0, 0].add(1).mul(127.5).round()) // 3 for batch in data.val_dataloader()}
    assert numbers == [number for number in range(40, 52) if number not in held_out]
    exact(pictures, torch.from_numpy(np.stack([coordinates(number)[8:16, 8:16] for number in numbers])).movedim(3, 1))
    unprepared = ContentStyle(**SMALL, content=data.content, style=data.style)
    assert unprepared.targets.key == data.targets.key


@pytest.fixture(scope="module")
def crops():
    cache = cached(Paintings(10), 9)
    return Crops(cache, np.arange(2, 10), cache.columns["style"].codes), cache


def test_middles(crops):
    pictures, cache = crops
    middles = pictures.middles(4)
    assert len(middles) == 8
    exact(middles.labels, pictures.labels)
    exact(torch.cat([*middles.batches(3)]), torch.from_numpy(cache.pixels[2:, 2:6, 2:6].copy()).movedim(3, 1))
    corners = np.full((8, 2), 2)
    as_trained = pictures.cut(np.arange(8), corners, 4, np.zeros(8, bool)).add(1).mul(127.5).round().byte()
    exact(torch.cat([*middles.batches(8)]), as_trained)
    copy = pickle.loads(pickle.dumps(middles))
    exact(torch.cat([*copy.batches(8)]), as_trained)
    for size in (0, 10):
        with pytest.raises(ValueError, match=f"^size must be from 1 to the 9 px of the pictures, got {size}"):
            pictures.middles(size)


def test_the_key_of_middles_names_what_is_shown(crops):
    pictures, cache = crops
    others = Crops(cache, np.arange(3, 10))
    keys = {pictures.middles(4).key, pictures.middles(5).key, others.middles(4).key, pictures.key}
    assert len(keys) == 4
    assert Crops(cache, np.arange(2, 10)).middles(4).key == pictures.middles(4).key
    whole = pictures.middles(9)
    assert whole.key == Pixels(cache, np.arange(2, 10)).key
    exact(torch.cat([*whole.batches(3)]), pictures.images(0, 8))


def test_the_shipped_config(checked, folders):
    made = checked("data=unpaired", "data.content.count=20", "data.style.count=30", "data.image_size=8")
    made.prepare()
    assert made.content.keywords == {"count": 20}
    assert made.content.func is Procedural
    batches = training(made, 40)
    assert len(batches[0].content) == made.batch_size == 1
    assert made.train_pixels.contents.side == 9
    found = checked("data=unpaired", f"data.content={folders / 'photos'}", f"data.style={folders / 'paintings'}")
    assert (found.hflip, found.style_hflip) == (True, True)


def test_faults_are_told_before_anything_is_decoded(checked):
    with pytest.raises(ConfigError, match=r"data.zoom: must be at least 1, got 0\.5"):
        checked("data=unpaired", "data.zoom=0.5")
    with pytest.raises(ConfigError, match=r"data.content: no such folder: 'nowhere'"):
        checked("data=unpaired", "data.content=nowhere")
