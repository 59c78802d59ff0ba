"""Points in the plane as a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from atelier.record.grids import Pixels

SIDE, MARGIN = 400, 0.2
SUPERSAMPLING = 3
"""How many times larger it is drawn: Pillow smooths no edges itself."""
PAPER, REAL, FAKE = "white", "#cbd5e1", "#bc4749"


def scatter(fake: NDArray[np.floating], real: NDArray[np.floating]) -> Pixels:
    """Generated points (N, 2) in red over real ones in grey, in a frame a fifth wider than the real ones reach."""
    reach = float(np.abs(real).max()) * (1 + MARGIN)
    canvas = Image.new("RGB", (SIDE * SUPERSAMPLING, SIDE * SUPERSAMPLING), PAPER)
    pen = ImageDraw.Draw(canvas)
    for points, colour, radius in ((real, REAL, 3.0), (fake, FAKE, 1.2)):
        places = (points * (1, -1) / reach + 1) / 2 * SIDE * SUPERSAMPLING
        for x, y in places[np.isfinite(places).all(1)]:
            pen.ellipse(
                [
                    x - radius * SUPERSAMPLING,
                    y - radius * SUPERSAMPLING,
                    x + radius * SUPERSAMPLING,
                    y + radius * SUPERSAMPLING,
                ],
                fill=colour,
            )
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
