"""Pictures of points: red where the generated are, grey where the real are."""

import numpy as np
import pytest
from PIL import ImageColor

from atelier.record.scatter import FAKE, PAPER, REAL, SIDE, scatter

NOWHERE = np.zeros((0, 2))


def places(picture, colour):
    """Middle of what has about that colour, as (x, y) in -1 … 1, up and to the right."""
    apart = np.abs(picture.astype(int) - ImageColor.getrgb(colour)).max(2)  # edges are smooth
    rows, columns = (apart < 20).nonzero()
    return (columns.mean() + 0.5) / SIDE * 2 - 1, 1 - (rows.mean() + 0.5) / SIDE * 2


def test_right_is_right_and_up_is_up():
    """In a frame that reaches a fifth further than the farthest real coordinate."""
    picture = scatter(np.array([[5.0, 2.5]]), np.array([[-10.0, 0.0]]))
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    assert places(picture, FAKE) == pytest.approx((5 / 12, 2.5 / 12), abs=0.01)
    assert places(picture, REAL) == pytest.approx((-10 / 12, 0), abs=0.01)


def test_generated_points_are_over_real_ones():
    both = scatter(np.array([[1.0, 1.0]]), np.array([[1.0, 1.0]]))
    assert places(both, FAKE) == pytest.approx((1 / 1.2, 1 / 1.2), abs=0.01)


def test_no_points_are_paper():
    picture = scatter(NOWHERE, np.array([[1.0, 1.0]]))
    assert (picture[: SIDE // 20] == ImageColor.getrgb(PAPER)).all()


@pytest.mark.parametrize("far", [np.inf, -np.inf, np.nan, 1e30, -1e30, 100.0])
def test_points_outside_the_frame_are_left_out(far):
    real = np.array([[1.0, 1.0]])
    np.testing.assert_array_equal(scatter(np.array([[far, 0.0], [0.0, far]]), real), scatter(NOWHERE, real))
