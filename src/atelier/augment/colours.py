"""Random affine maps of the colours (Karras et al. 2020, appendix B, with their order and distributions)."""

from math import pi, sqrt

import torch
from torch import Tensor

from atelier.augment.chance import Chance


def recolour(images: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Every pixel (R, G, B) of image i is `matrix` (B, 3, 3) [i] · pixel + `offset` (B, 3) [i]."""
    offset, matrix = offset.to(images.dtype)[:, :, None], matrix.to(images.dtype)
    return torch.baddbmm(offset, matrix, images.flatten(2)).unflatten(2, images.shape[2:])


def random_colours(chance: Chance) -> tuple[Tensor, Tensor]:
    """The matrix and the offset of brightness, contrast, luma flip, hue rotation and saturation, in this order."""
    brightness = chance.sometimes(chance.normal(0.2), 0)
    contrast = chance.sometimes(torch.exp2(chance.normal(0.5)), 1)
    flip = chance.sometimes(1 - 2 * chance.integers(2), 1)
    hue = chance.sometimes(chance.uniform(-pi, pi), 0)
    saturation = chance.sometimes(torch.exp2(chance.normal(1)), 1)
    return colours(brightness, contrast, flip, hue, saturation)


def colours(
    brightness: Tensor, contrast: Tensor, flip: Tensor, hue: Tensor, saturation: Tensor
) -> tuple[Tensor, Tensor]:
    """The paper's product of five 4 x 4 matrices, multiplied out; each argument is (B,).

    All five treat a colour's part along the grey axis and its part across that axis separately: brightness, contrast
    and `flip` (-1 or 1) change the grey; contrast, `hue` (a rotation by an angle) and saturation change the rest.
    """
    identity = torch.eye(3, device=hue.device)
    grey = torch.full_like(identity, 1 / 3)
    across = identity - grey
    quarter_turn = (identity.roll(1, 0) - identity.roll(-1, 0)) / sqrt(3)  # about the axis (1, 1, 1)
    contrast, flip, hue, saturation = (factor[:, None, None] for factor in (contrast, flip, hue, saturation))
    rest = saturation * (hue.cos() * across + hue.sin() * quarter_turn)
    offset = (flip * contrast)[:, 0] * brightness[:, None]
    return contrast * (flip * grey + rest), offset.expand(-1, 3)
