"""Masks: a picture whose colours divide another one into regions, each of which gets a style of its own."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.stylize import artwork
from atelier.stylize.colour import LUMINANCE

MOST = 256
"""Regions, as a byte numbers them."""

_STEP = 8  # levels to a bin of the colour histogram: JPEG's noise then fills few bins
_APART = 24.0  # RGB distance below which two colours are one with JPEG's noise
_AWAY = 48.0  # RGB distance from every region's colour at which a colour is another one…
_SHARE = 0.02  # …if so much of the mask has it: edges between regions have less
_THICK = 5  # pixels: what is nowhere so wide is the edge of two regions, not a third
_FEWER = "a mask of {0} regions needs {0} distinct colours; this one shows fewer"


def read(path: Path, count: int, size: tuple[int, int]) -> Tensor:
    """The mask of a picture of `size` (height, width); otherwise as `regions`. Raises UserError, naming the file."""
    try:
        pixels = artwork.read(path).pixels
    except BrokenPicture as error:
        raise UserError(f"{path}: {error}") from error
    height, width = pixels.shape[1:]
    if (height, width) != tuple(size):
        raise UserError(f"{path}: a mask of {width} x {height} does not fit a picture of {size[1]} x {size[0]}")
    try:
        return regions(pixels, count)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def regions(mask: Tensor, count: int) -> Tensor:
    """A mask, uint8 (3, H, W), of `count` colours -> each pixel's region, uint8 (1, H, W), by brightness from 0.

    Hard: each pixel belongs wholly to the region whose colour is nearest, so noise and soft edges are cut where they
    are half of each. A soft edge that passes through a third region's colour leaves a seam of that region.
    Raises ValueError where the mask shows fewer colours, or more.
    """
    if count > MOST:
        raise ValueError(f"a mask has at most {MOST} regions, got {count} styles")
    codes, code_of, counts = _codes(mask).unique(return_inverse=True, return_counts=True)
    colours = torch.stack([codes >> 16, codes >> 8 & 255, codes & 255], 1).double()
    clean = len(colours) == count
    centres = colours if clean else _centres(*_histogram(colours, counts), count)
    centres = centres[(centres @ centres.new_tensor(LUMINANCE)).argsort()]
    found = _distances(colours, centres).argmin(1).byte()[code_of][None]
    if not clean and float(functional.avg_pool2d(shares(found, count), _THICK, 1).amax((1, 2, 3)).min()) < 1:
        raise ValueError(_FEWER.format(count))
    return found


def shares(found: Tensor, count: int) -> Tensor:
    """How much of each pixel is each region's, float32 (count, 1, H, W) of 0 and 1, of what `regions` found."""
    return (found == torch.arange(count, device=found.device)[:, None, None, None]).float()


def _codes(mask: Tensor) -> Tensor:
    red, green, blue = mask.int()
    return red << 16 | green << 8 | blue


def _centres(colours: Tensor, frequencies: Tensor, count: int) -> Tensor:
    """The `count` colours, float64 (count, 3), by k-means on the histogram from well-spread frequent colours."""
    centres = colours[frequencies.argmax()][None]
    while len(centres) < count:
        gaps = _distances(colours, centres).amin(1)
        centres = torch.cat([centres, colours[(frequencies * gaps.square()).argmax()][None]])
    for _ in range(10):
        member = functional.one_hot(_distances(colours, centres).argmin(1), count).double() * frequencies[:, None]
        centres = (member.T @ colours) / member.sum(0).clamp_min(1e-12)[:, None]
    _judge(colours, frequencies, centres)
    return centres


def _judge(colours: Tensor, frequencies: Tensor, centres: Tensor) -> None:
    count = len(centres)
    if count > 1 and float(torch.pdist(centres).min()) < _APART:
        raise ValueError(_FEWER.format(count))
    for candidate in colours[_distances(colours, centres).amin(1) > _AWAY]:
        near = (colours - candidate).norm(dim=1) < _APART / 2
        if float(frequencies[near].sum()) > _SHARE:
            other = tuple(candidate.round().int().tolist())
            raise ValueError(f"a mask of {count} regions needs {count} colours; this one shows more, such as {other}")


def _histogram(colours: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colours of the bins that have any, float64 (bins, 3), and their shares (bins,)."""
    places = (colours // _STEP) @ colours.new_tensor([4096, 64, 1])
    bin_of = places.unique(return_inverse=True)[1]
    totals = torch.bincount(bin_of, counts.double())
    sums = torch.stack([torch.bincount(bin_of, channel * counts) for channel in colours.T], 1)
    return sums / totals[:, None], totals / totals.sum()


def _distances(colours: Tensor, centres: Tensor) -> Tensor:
    """RGB distances (n, count)."""
    return torch.cdist(colours, centres, compute_mode="donot_use_mm_for_euclid_dist")
