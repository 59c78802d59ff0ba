"""What a batch is. A data module declares which it yields, a task which it takes.

Images are float32, RGB, in [-1, 1], shape (B, 3, H, W).
"""

from typing import NamedTuple

from torch import Tensor


class Images(NamedTuple):
    image: Tensor
    label: Tensor | None
    """Class of each image, int64 (B,); None where the data has no labels or they are not asked for."""


class Pair(NamedTuple):
    content: Tensor
    style: Tensor
    """A style for each content; its pictures may have another size."""
    label: Tensor | None = None
    """Which of the styles each is, int64 (B,); None where the styles are not told apart."""


class Paired(NamedTuple):
    content: Tensor
    target: Tensor
    """What each content is to become; its sides may be a whole number of times as long."""
    known: Tensor | None = None
    """float32 (B, 1, h, w): 1 where a pixel of the content is to be kept, 0 where it is lost; None where nothing is
    marked."""
