"""Pairs as files: pictures of `coordinates` with their negatives."""

import numpy as np
from coordinates import coordinates
from PIL import Image


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def negative(number):
    return 255 - coordinates(number)


def put_pair(root, name, number, folders=("content", "target")):
    save(root / folders[0] / f"{name}.png", coordinates(number))
    save(root / folders[1] / f"{name}.bmp", negative(number))


def put_both(path, number):
    save(path, np.hstack([coordinates(number), negative(number)]))
