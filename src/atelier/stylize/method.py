"""What every way of stylising a picture is to those who ask for one: a style is studied once, for all contents."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from torch import Tensor, nn
from torch.nn.functional import pad


class Mixture(NamedTuple):
    """How much of each style a picture is to have, and where."""

    studied: Sequence[Any]
    """What a method's `study` made of each style."""
    weights: Sequence[float]
    """Of each, positive; what counts are their shares."""
    strength: float = 1.0
    """From 0, the content itself, to 1."""
    regions: Tensor | None = None
    """Where each style is wanted: (styles, 1, H, W) in [0, 1], summing to 1 in every place; None: everywhere."""


GivenStyle = TypeVar("GivenStyle")
"""What a style is given as: an image, or the number of one that was learned."""


class Method(ABC, Generic[GivenStyle]):
    """A way of stylising pictures of any size, within the memory that it was told.

    Images (1, 3, H, W) are in [-1, 1] and on the method's own device.
    """

    name: str

    @property
    @abstractmethod
    def modules(self) -> Sequence[nn.Module]:
        """All that it looks or paints with: pictures by other weights are others."""

    @abstractmethod
    def study(self, style: GivenStyle) -> Any:
        """What of a style is worth keeping for many contents."""

    @abstractmethod
    def stylize(self, content: Tensor, mixture: Mixture) -> Tensor:
        """The content in those styles, of its own size, in [-1, 1]."""

    @abstractmethod
    def needs(self, height: int, width: int) -> int:
        """Bytes that a content of this size takes at the most, beside what the program itself does."""


def padded(images: Tensor, multiple: int) -> Tensor:
    """Images (B, C, H, W) mirrored at the bottom and on the right, so that both sides are multiples."""
    height, width = images.shape[2:]
    below, right = -height % multiple, -width % multiple
    return pad(images, (0, right, 0, below), mode="reflect") if below or right else images
