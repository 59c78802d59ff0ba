"""Small pairs of damaged pictures, as the tests of `data=degraded` have them."""

from batches import levels

from atelier.degradation.holes import Holes
from atelier.degradation.noise import Noise

SMALL = {"image_size": 8, "batch_size": 4, "seed": 0}
NOISE = {"noise": Noise(sigma=(10, 40))}
HOLES = {"holes": Holes(count=(1, 2), size=(0.2, 0.5), fill="white")}


def corners(images):
    """Top and left of each crop, (B, 2); mirrored or not."""
    return (levels(images)[:, 1:] // 8).amin((2, 3))
