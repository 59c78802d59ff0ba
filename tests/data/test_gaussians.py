"""Points in the plane: the mixtures of the paper, drawn the same for every run."""

import pytest
import torch
from torch.testing import assert_close

from atelier.data.gaussians import DEVIATIONS, Gaussians
from atelier.data.types import Images


def gaussians(**changes):
    data = Gaussians(**{"batch_size": 50, "seed": 0, "count": 10_000} | changes)
    data.prepare()
    return data


def test_the_ring_of_the_paper():
    """Srivastava et al. 2017, section 4.1: eight modes on a circle."""
    centres = gaussians(layout="ring").centres
    assert_close(centres.norm(dim=1), torch.ones(8))
    apart = (centres - centres.roll(1, 0)).norm(dim=1)
    assert_close(apart, torch.full((8,), 2 * torch.tensor(torch.pi / 8).sin().item()))


def test_the_grid_of_the_paper():
    """Srivastava et al. 2017, section 4.1: 25 modes, five in a row."""
    centres = gaussians(layout="grid").centres
    assert {tuple(centre.tolist()) for centre in centres} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}


@pytest.mark.parametrize("layout", ["ring", "grid"])
def test_every_mode_is_equally_likely_and_equally_wide(layout):
    data = gaussians(layout=layout, label="mode")
    points, modes = data.train_pixels.points, data.train_pixels.modes
    shares = torch.bincount(modes, minlength=len(data.centres)) / len(modes)
    # four standard errors of a share, and of a deviation
    fair = 1 / len(data.centres)
    assert_close(shares, torch.full_like(shares, fair), rtol=0, atol=4 * (fair / len(modes)) ** 0.5)
    assert_close((points - data.centres[modes]).std(0) / DEVIATIONS[layout], torch.ones(2), rtol=0, atol=0.03)
    assert data.deviation == DEVIATIONS[layout]


def test_a_point_is_an_image_of_one_pixel_and_two_channels():
    batch = next(iter(gaussians().train_dataloader()))
    assert isinstance(batch, Images)
    assert batch.image.shape == (50, 2, 1, 1)
    assert batch.label is None


def test_a_label_is_the_mode_that_the_point_is_near():
    data = gaussians(label="mode")
    for batch in data.val_dataloader():
        nearest = torch.cdist(batch.image.flatten(1), data.centres).argmin(1)
        assert_close(batch.label, nearest)
    assert data.classes == tuple(map(str, range(25)))
    assert gaussians().classes == ()


def test_held_out_points_are_a_tenth_as_many_and_others():
    data = gaussians()
    assert (len(data.train_pixels), len(data.validation_pixels)) == (10_000, 1000)
    assert sum(len(batch.image) for batch in data.val_dataloader()) == 1000
    training = {tuple(point) for point in data.train_pixels.points.tolist()}
    assert not training & {tuple(point) for point in data.validation_pixels.points.tolist()}


def test_the_points_do_not_depend_on_the_run_but_their_order_does():
    one, other, grown = gaussians(), gaussians(seed=1, label="mode"), gaussians(count=10_001)
    assert_close(one.train_pixels.points, other.train_pixels.points, rtol=0, atol=0)
    assert one.fingerprint == other.fingerprint
    assert len({one.fingerprint, grown.fingerprint, gaussians(layout="ring").fingerprint}) == 3
    batches = [next(iter(data.train_dataloader())).image for data in (one, gaussians(), other)]
    assert_close(batches[0], batches[1], rtol=0, atol=0)
    assert (batches[0] != batches[2]).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": "spiral"}, r"layout must be one of \['ring', 'grid'\], got 'spiral'"),
        ({"label": "colour"}, r"label must be one of \['mode', None\], got 'colour'"),
        ({"hflip": True}, "hflip must be false: points are not mirrored"),
        ({"count": 49}, r"count must be at least data.batch_size \(50\), got 49"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        gaussians(**arguments)
