"""Flow follows what moves."""

import pytest
import torch
from scenes import pan, scene
from torch.testing import assert_close

from atelier.stylize.motion import flow, warp


@pytest.mark.parametrize("motion", [(0, 0), (1, 0), (0, -2), (5, 3), (-12, 9)])
def test_flow_finds_a_translation(motion):
    before, after = pan(2, *motion)
    inner = flow(before, after)[..., 24:-24, 24:-24]
    assert_close(inner.mean((2, 3))[0], torch.tensor([*map(float, motion)]), atol=0.15, rtol=0)
    assert float((inner - inner.mean((2, 3), keepdim=True)).abs().mean()) < 0.3


def test_flow_of_pictures_in_a_batch_does_not_mix():
    pairs = [pan(2, 3, 1, seed=1), pan(2, -2, 4, seed=2)]
    together = flow(*(torch.cat(images) for images in zip(*pairs, strict=True)))
    assert_close(together[1:], flow(*pairs[1]), atol=1e-4, rtol=1e-4)


def test_warping_by_whole_pixels_moves_pixels():
    picture = scene()
    moved = warp(picture, torch.tensor([3.0, -2.0])[None, :, None, None].expand(1, 2, 96, 128))
    assert_close(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-4, rtol=0)
