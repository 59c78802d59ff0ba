"""Write docs/images/procedural_paintings.png: some paintings of every style, one style to a row."""

from pathlib import Path

import numpy as np
from PIL import Image

from atelier.data.painting import STYLES, paint

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "procedural_paintings.png"
COLUMNS, SIZE = 12, 64

rows = [np.hstack([paint(index, SIZE, style=style).pixels for index in range(COLUMNS)]) for style in range(len(STYLES))]
Image.fromarray(np.vstack(rows)).quantize(256).save(PICTURE, optimize=True)
