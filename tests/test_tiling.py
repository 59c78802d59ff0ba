"""Tiles cover a picture once, and with their margins see what the whole would."""

import pytest
import torch
from torch.testing import assert_close

from atelier.networks import taps as tapped
from atelier.networks.embedded import Embedded
from atelier.tiling import Span, tiles

SIZES = [(64, 96, 32, 5, 8), (40, 24, 16, 9, 8), (48, 48, 48, 100, 16), (16, 80, 16, 0, 4)]
"""Height, width, side, margin and stride."""


@pytest.mark.parametrize(("height", "width", "side", "margin", "stride"), SIZES)
def test_the_tiles_cover_the_picture_once(height, width, side, margin, stride):
    covered = torch.zeros(1, 1, height, width)
    for tile in tiles(height, width, side, margin, stride):
        assert max(tile.own(covered).shape) <= side
        tile.own(covered).add_(1)
    assert bool((covered == 1).all())


@pytest.mark.parametrize(("height", "width", "side", "margin", "stride"), SIZES)
def test_windows_have_their_margin_but_at_the_borders_and_begin_at_strides(height, width, side, margin, stride):
    for tile in tiles(height, width, side, margin, stride):
        for span, length in zip(tile, (height, width), strict=True):
            assert span.first % stride == span.last % stride == span.start % stride == 0
            assert 0 <= span.first <= max(0, span.start - margin)
            assert min(length, span.stop + margin) <= span.last <= length


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_what_is_trimmed_off_a_window_is_its_margin(stride):
    picture = torch.arange(64 * 96.0).view(1, 1, 64, 96)
    small = picture[..., ::stride, ::stride]
    for tile in tiles(64, 96, 32, 7, 8):
        assert_close(tile.trimmed(tile.window(picture)[..., ::stride, ::stride], stride), tile.own(small, stride))


def test_without_a_side_the_picture_is_one_tile():
    (tile,) = tiles(30, 50, None, 10, 1)
    assert tile == (Span(0, 30, 0, 30), Span(0, 50, 0, 50))


@pytest.mark.parametrize(("height", "side"), [(30, 16), (32, 12)])
def test_tiles_that_would_put_poolings_out_of_step_are_refused(height, side):
    with pytest.raises(ValueError, match=f"length and side must be multiples of 8, got {height} and {side}"):
        tiles(height, 64, side, 4, 8)


def test_an_encoder_sees_of_a_tile_what_it_sees_of_the_whole():
    network, names = Embedded.pretrained(), ["relu1_1", "relu2_2", "relu3_1"]
    picture = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole = network.taps(picture, names)
    for tile in tiles(64, 48, 16, tapped.margin(network.widths, names), 4):
        seen = network.taps(tile.window(picture), names)
        for name, stride in zip(names, (1, 2, 4), strict=True):
            assert_close(tile.trimmed(seen[name], stride), tile.own(whole[name], stride), rtol=1e-4, atol=1e-5)
