"""The sheet beside what was stylised."""

import numpy as np
import pytest
import torch
from stylising import read

from atelier.cli.contact import SIDE, Sheet


@pytest.mark.parametrize(("contents", "styles"), [(1, 1), (2, 3), (3, 2)])
def test_the_longer_side_of_a_sheet_runs_down(contents, styles, tmp_path):
    sheet = Sheet()
    for content in range(contents):
        for style in range(styles):
            shades = (
                torch.full((3, 16, 16), shade, dtype=torch.uint8)
                for shade in (content, 100 + style, 200 + 10 * content + style)
            )
            sheet.note(f"c{content}", f"s{style}", *shades)
    sheet.save(tmp_path / "sheet.png", {"method": "none"})
    middles = read(tmp_path / "sheet.png")[SIDE // 2 :: SIDE + 2, SIDE // 2 :: SIDE + 2, 0]
    expected = np.full((contents + 1, styles + 1), 255)
    expected[1:, 0], expected[0, 1:] = range(contents), range(100, 100 + styles)
    expected[1:, 1:] = [[200 + 10 * content + style for style in range(styles)] for content in range(contents)]
    np.testing.assert_array_equal(middles, expected if contents >= styles else expected.T)
