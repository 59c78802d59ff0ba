"""Words in pictures."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from atelier.record.captions import UNWRITABLE, caption, line


def written(text, width=300):
    picture = Image.new("L", (320, 24), 255)
    caption(ImageDraw.Draw(picture), (160, 12), text, width)
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines\tand\ra tab", "two lines and a tab"),
        ("bell\x07\x00", f"bell{UNWRITABLE * 2}"),
        ("torn\udcff", f"torn{UNWRITABLE}"),
        ("Mu\u0308nchen – été", "München – été"),
    ],
)
def test_a_name_is_one_line_whatever_is_in_it(name, shown):
    assert line(name) == shown
    np.testing.assert_array_equal(written(name), written(shown))


@pytest.mark.parametrize("letters", ["äÖß", "éèç", "–—…", "łőžñ", "ЖЯ", "αΩ"])
def test_letters_of_many_languages_are_no_boxes(letters):
    """Boxes are all alike."""
    found = {written(letter).tobytes() for letter in letters}
    assert len(found) == len(letters)
    assert written("\U0010ffff").tobytes() not in found


def test_what_is_wider_than_its_place_is_cut_short():
    inked = (written("a name that is longer than its place is wide", 100) < 128).any(0).nonzero()[0]
    assert 80 < np.ptp(inked) <= 100
