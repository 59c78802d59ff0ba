"""Random maps of the plane (Karras et al. 2020, appendix B, with their order and distributions).

Each is a matrix (B, 3, 3) from where a pixel goes to where it comes from, in the coordinates of `pixels.warp`: the
inverse of the change itself, so the next change multiplies on the right. Every distribution is its inverse's too.
"""

from math import pi

import torch
from torch import Tensor

from atelier.augment.chance import Chance


def blit(chance: Chance, size: tuple[int, int]) -> Tensor:
    """Horizontal flip, turn by a multiple of 90°, shift by whole pixels up to an eighth of `size` (H, W)."""
    flip = chance.sometimes(1 - 2 * chance.integers(2), 1)
    turn = chance.sometimes(chance.integers(4), 0)
    shift = torch.stack([side * chance.uniform(-1 / 8, 1 / 8) for side in size]).round()
    turned = rotation(turn * (pi / 2)).round()  # in floats cos(π / 2) is not quite 0
    return scaling(torch.ones_like(flip), flip) @ turned @ translation(*chance.sometimes(shift, 0))


def affine(chance: Chance, size: tuple[int, int]) -> Tensor:
    """Scaling, rotation, anisotropic scaling, rotation again and a shift of any fraction of `size` (H, W)."""
    either = 1 - (1 - chance.probability).sqrt()  # of two rotations, so that at least one happens with `probability`
    scale = chance.sometimes(torch.exp2(chance.normal(0.2)), 1)
    before = chance.sometimes(chance.uniform(-pi, pi), 0, either)
    stretch = chance.sometimes(torch.exp2(chance.normal(0.2)), 1)
    after = chance.sometimes(chance.uniform(-pi, pi), 0, either)
    shift = chance.sometimes(torch.stack([side * chance.normal(1 / 8) for side in size]), 0)
    turned = scaling(scale, scale) @ rotation(before)
    return turned @ scaling(1 / stretch, stretch) @ rotation(after) @ translation(*shift)


def scaling(vertical: Tensor, horizontal: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([horizontal, vertical, torch.ones_like(vertical)], 1))


def rotation(angle: Tensor) -> Tensor:
    cosine, sine, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return _rows([cosine, -sine, none], [sine, cosine, none])


def translation(vertical: Tensor, horizontal: Tensor) -> Tensor:
    one, none = torch.ones_like(vertical), torch.zeros_like(vertical)
    return _rows([one, none, horizontal], [none, one, vertical])


def _rows(x: list[Tensor], y: list[Tensor]) -> Tensor:
    """(B, 3, 3) with the homogeneous row below two of numbers per image."""
    none = torch.zeros_like(x[0])
    return torch.stack([torch.stack(row, 1) for row in (x, y, [none, none, none + 1])], 1)
