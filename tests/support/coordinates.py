"""Pictures of which every pixel says where it comes from, and the batches of a data module."""

from itertools import islice

import numpy as np
from PIL import Image


def coordinates(number, width=24, height=24):
    """Red names the picture, green its rows, blue its columns: every pixel says where it comes from."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([np.full_like(rows, 3 * number), rows * 8, columns * 8], -1).astype(np.uint8)


def put(path, number, **sides):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coordinates(number, **sides)).save(path)


def training(data, count, start=0):
    loader = data.train_dataloader()
    loader.batches = start
    return list(islice(loader, count))
