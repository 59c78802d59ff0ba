"""One content and one style, for ever."""

import numpy as np
import pytest
import torch
from batches import exact
from coordinates import coordinates, put, training

from atelier.data.image_pair import ImagePair
from atelier.data.types import Pair
from atelier.errors import UserError


@pytest.fixture
def pair(tmp_path):
    put(tmp_path / "photo.png", 1, width=24, height=12)
    put(tmp_path / "starry.png", 2, width=10, height=30)

    def prepared(**changes):
        given = {"content": str(tmp_path / "photo.png"), "style": str(tmp_path / "starry.png"), "image_size": 24}
        data = ImagePair(**{"seed": 0} | given | changes)
        data.prepare()
        return data

    return prepared


def test_one_pair_for_ever_and_once_for_validation(pair):
    data = pair()
    first, *others = training(data, 4)
    assert isinstance(first, Pair)
    assert (first.content.shape, first.style.shape, first.label) == ((1, 3, 12, 24), (1, 3, 24, 8), None)
    exact(first.content, torch.from_numpy(coordinates(1, 24, 12)).permute(2, 0, 1)[None] / 127.5 - 1)
    (held_out,) = data.val_dataloader()
    for batch in [*others, held_out, data.train_pixels.batch(np.zeros(1, int), np.zeros(1, bool))]:
        exact(batch[:2], first[:2])


@pytest.mark.parametrize(
    ("sizes", "content", "style"),
    [((48, None), (24, 48), (48, 16)), ((12, 60), (6, 12), (60, 20)), ((17, 9), (8, 17), (9, 3))],
)
def test_sizes(pair, sizes, content, style):
    batch = training(pair(image_size=sizes[0], style_size=sizes[1]), 1)[0]
    assert (batch.content.shape[2:], batch.style.shape[2:]) == (content, style)
    assert batch.content.abs().max() <= 1


def test_the_pairs_fingerprint_follows_the_pixels(pair, tmp_path):
    found = {pair().fingerprint, pair(style_size=30).fingerprint, pair(seed=3).fingerprint}
    assert len(found) == 2
    put(tmp_path / "photo.png", 5, width=24, height=12)
    assert pair().fingerprint not in found


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"image_size": 4}, ValueError, "image_size must be at least 8, got 4"),
        ({"style_size": 0}, ValueError, "style_size must be at least 8, got 0"),
        ({"batch_size": 2}, ValueError, "batch_size must be 1: there is one pair, got 2"),
        ({"hflip": True}, ValueError, "hflip must be false"),
        ({"content": "photo.jpg"}, ValueError, "content: no such file: 'photo.jpg'"),
        ({"style": "."}, ValueError, "style: not a file: '.'"),
        ({"style": __file__}, UserError, r"data\.style: '.*test_image_pair\.py' cannot be used \(not an image\)"),
    ],
)
def test_the_pair_refused(pair, changes, kind, message):
    with pytest.raises(kind, match=f"^{message}"):
        pair(**changes)
