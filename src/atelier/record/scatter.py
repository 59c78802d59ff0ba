"""Points in the plane as a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from atelier.record.grids import Pixels

SIDE, SHARPNESS, MARGIN = 400, 3, 0.2
PAPER, REAL, FAKE = "white", "#cbd5e1", "#bc4749"


def scatter(fake: NDArray[np.floating], real: NDArray[np.floating]) -> Pixels:
    """Generated points (N, 2) in red over real ones in grey, in a frame a fifth wider than the real ones reach."""
    reach = float(np.abs(real).max()) * (1 + MARGIN)
    canvas = Image.new("RGB", (SIDE * SHARPNESS, SIDE * SHARPNESS), PAPER)
    pen = ImageDraw.Draw(canvas)
    for points, colour, radius in ((real, REAL, 3.0), (fake, FAKE, 1.2)):
        places = (points * (1, -1) / reach + 1) / 2 * SIDE * SHARPNESS
        for x, y in places[np.isfinite(places).all(1)]:
            pen.ellipse(
                [x - radius * SHARPNESS, y - radius * SHARPNESS, x + radius * SHARPNESS, y + radius * SHARPNESS],
                fill=colour,
            )
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
