"""Windows cover a picture, are blended without a seam, and show a network what it would see of the whole."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad
from torch.testing import assert_close

from atelier.networks.translator import Translator, complete
from atelier.translate.windows import Windows, mirrored, starts_of, weights_of

SIZES = [(24, 24), (61, 45), (24, 97), (25, 49), (130, 23)]
"""Of pictures, beside tiles of 24: whole ones, one pixel more than whole ones, narrow ones, odd ones."""


class Pointwise(Translator):
    def forward(self, pictures):
        self.seen = [*getattr(self, "seen", []), tuple(pictures.shape[2:])]
        return pictures[:, :3].roll(1, 1) * pictures[:, :3]


class Neighbours(Translator):
    """Looks `radius` pixels around each; what is beyond the picture is 0 to it, so that borders show."""

    def __init__(self, radius, **options):
        super().__init__(**options)
        side = 2 * radius + 1
        self.weight = torch.rand(3, self.inputs, side, side, generator=torch.Generator().manual_seed(0)) / side**2
        self.radius = radius

    def forward(self, pictures):
        return interpolate(conv2d(pictures, self.weight, padding=self.radius), scale_factor=self.scale) - 0.5


class Coarse(Translator):
    """Sees means of 4 x 4 pixels, and so where a picture begins."""

    def __init__(self):
        super().__init__(multiple=4, least=8)

    def forward(self, pictures):
        assert min(pictures.shape[2:]) >= 8
        assert not any(side % 4 for side in pictures.shape[2:])
        return interpolate(avg_pool2d(pictures, 4), scale_factor=4)


def picture(height, width, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@st.composite
def axes(draw):
    multiple = draw(st.sampled_from([1, 2, 3, 4, 8]))
    side = multiple * draw(st.integers(1, 12))
    return draw(st.integers(1, 300)), side, draw(st.integers(0, side // 2)), multiple


@settings(deadline=None)
@given(axes(), st.sampled_from([1, 2, 4]))
def test_windows_cover_every_place_and_their_weights_sum_to_one(axis, scale):
    length, side, overlap, multiple = axis
    starts = starts_of(length, side, overlap, multiple)
    side = min(length, side)
    weights = weights_of(starts, side, overlap, scale)
    assert weights.shape == (len(starts), scale * side)
    assert bool((weights >= 0).all())
    total = torch.zeros(scale * length)
    for start, row in zip(starts, weights, strict=True):
        total[scale * start : scale * (start + side)] += row
    assert_close(total, torch.ones(scale * length), rtol=0, atol=0)


@settings(deadline=None)
@given(axes())
def test_windows_share_the_overlap_and_none_leaves_the_picture(axis):
    length, side, overlap, multiple = axis
    starts = starts_of(length, side, overlap, multiple)
    assert starts[0] == 0
    assert starts[-1] + side == max(length, side)
    assert all(0 < later - earlier <= side - overlap for earlier, later in pairwise(starts))
    if multiple <= overlap:
        assert not any(start % multiple for start in starts[:-1])
    else:  # no more than there must be
        assert len(starts) == 1 + max(0, -(-(length - side) // (side - overlap)))


@pytest.mark.parametrize(("overlap", "scale"), [(8, 1), (16, 2), (12, 4)])
def test_what_is_near_a_cut_counts_nothing_and_the_middle_all(overlap, scale):
    starts = starts_of(100, 40, overlap)
    for number, row in enumerate(weights_of(starts, 40, overlap, scale)):
        kept = overlap // 4 * scale
        assert bool((row[:kept] == 0).all()) == (number > 0)
        assert bool((row[-kept:] == 0).all()) == (number < len(starts) - 1)
        assert float(row[20 * scale]) == 1
        assert float(row.diff().abs().max()) < 4.0 / (overlap * scale)  # half a cosine is as steep as pi / 2 lines


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("overlap", [0, 5, 12])
def test_a_network_that_sees_single_pixels_draws_the_whole(height, width, overlap):
    network, whole = Pointwise(), picture(height, width)
    drawn = Windows(network, 24, overlap).draw(whole)
    assert_close(drawn, network(whole), rtol=0, atol=1e-6)
    assert max(max(size) for size in network.seen[:-1]) <= 24
    assert len(network.seen[:-1]) == 1 or max(height, width) > 24


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("scale", [1, 2])
def test_overlaps_of_four_radii_leave_no_seam(height, width, scale):
    """Two receptive fields: a quarter of the overlap is left out on either side of the middle."""
    network, whole = Neighbours(3, scale=scale), picture(height, width)
    assert_close(Windows(network, 24, 12).draw(whole), network(whole), rtol=0, atol=1e-6)


def test_less_of_an_overlap_shows_near_the_cuts_alone():
    network, whole = Neighbours(3), picture(24, 61)
    error = (Windows(network, 24, 0).draw(whole) - network(whole)).abs().amax((0, 1, 2))
    near = torch.zeros(61, dtype=torch.bool)
    starts = starts_of(61, 24, 0)
    for cut in [(before + 24 + after) // 2 for before, after in pairwise(starts)]:
        near[cut - 6 : cut + 6] = True
    assert float(error[~near].max()) < 1e-6
    assert float(error[near].max()) > 1e-2
    assert near.sum() < 30


@pytest.mark.parametrize(("height", "width"), [(64, 24), (60, 96), (16, 44)])
@pytest.mark.parametrize("overlap", [4, 8, 9])
def test_a_network_with_a_grid_sees_it_where_the_whole_has_it(height, width, overlap):
    network, whole = Coarse(), picture(height, width)
    assert_close(Windows(network, 24, overlap).draw(whole), network(whole), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(3, 5), (1, 1), (2, 30), (21, 23)])
def test_what_does_not_fit_is_mirrored_and_cut_off_again(height, width):
    network, whole = Coarse(), picture(height, width)
    side = [max(8, -(-length // 4) * 4) for length in (height, width)]
    expected = network(mirrored(whole, *side))[..., :height, :width]
    assert_close(Windows(network, 30, 0).draw(whole), expected, rtol=0, atol=0)  # 30: rounded up to 32


def test_a_mirror_is_that_of_torch_and_goes_on_where_torch_stops():
    image = picture(5, 7)
    assert_close(mirrored(image, 9, 13), pad(image, (0, 6, 0, 4), mode="reflect"), rtol=0, atol=0)
    row = torch.arange(3.0).reshape(1, 1, 1, 3)
    assert mirrored(row, 2, 10)[0, 0].tolist() == 2 * [[0, 1, 2, 1, 0, 1, 2, 1, 0, 1]]


def test_a_tile_is_never_less_than_a_network_can_take():
    assert Windows(Pointwise(multiple=256, least=256), 64, 8).side == 256
    assert Windows(Pointwise(multiple=4, least=10), 64, 8).side == 64
    assert Windows(Pointwise(multiple=48), 64, 8).side == 96


@pytest.mark.parametrize("masked", [True, False])
def test_known_pixels_stay_and_the_others_are_drawn_from_what_is_known(masked):
    network, whole = Neighbours(2, masked=masked), picture(50, 70)
    known = torch.ones(1, 1, 50, 70)
    known[..., 20:30, 18:55] = 0
    drawn = Windows(network, 24, 8).draw(whole, known)
    kept = known.expand_as(whole) > 0
    assert_close(drawn[kept], whole[kept], rtol=0, atol=1e-6)
    assert_close(drawn, complete(network, whole, known), rtol=0, atol=1e-6)
    assert float((drawn - whole)[~kept].abs().mean()) > 0.1
    other = torch.where(kept, whole, picture(50, 70, seed=1))  # what is lost is not to be seen by a masked network
    same = torch.equal(Windows(network, 24, 8).draw(other, known), drawn)
    assert same == masked


def test_a_window_of_which_all_is_known_is_not_drawn():
    network, whole = Pointwise(), picture(24, 240)
    known = torch.ones(1, 1, 24, 240)
    known[..., 5, 100] = 0
    drawn = Windows(network, 24, 4).draw(whole, known)
    assert len(network.seen) <= 2
    assert_close(drawn, complete(network, whole, known), rtol=0, atol=1e-6)


def test_values_that_are_not_finite_are_not_hidden():
    class Broken(Pointwise):
        def forward(self, pictures):
            return super().forward(pictures).masked_fill(pictures[:, :3] == 2, torch.nan)

    whole = picture(30, 70)
    whole[0, 0, 15, 40] = 2
    drawn = Windows(Broken(), 24, 8).draw(whole)
    assert bool(drawn.isnan().any())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((0, 0), "tile must be >= 1, got 0"),
        ((64, 33), "overlap must be from 0 to half of tile, 32, got 33"),
        ((64, -1), "overlap must be from 0 to half of tile, 32, got -1"),
    ],
)
def test_windows_that_cannot_be_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        Windows(Pointwise(), *options)
