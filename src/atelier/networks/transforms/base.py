"""What happens to a content's activations between an encoder and a decoder, given a style."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from torch import Tensor, nn
from torch.nn.functional import interpolate

from atelier.moments import Moments
from atelier.networks.taps import Activations

Code = TypeVar("Code")
"""What a transform keeps of a style, batched; a code of one style serves any number of contents."""


class Summary(NamedTuple):
    """What a transform has to know of a whole content."""

    moments: dict[str, Moments]

    def merge(self, other: Self) -> "Summary":
        """Of two parts together, such as tiles that do not overlap."""
        return Summary({tap: moments.merge(other.moments[tap]) for tap, moments in self.moments.items()})


class Transform(nn.Module, ABC, Generic[Code]):
    """Turns a content's activations into the features that a decoder paints from.

    `taps`: what it needs of both pictures; features have the channels and the places of the first. A content in tiles
    comes out as the whole would, if the tiles' summaries are merged and margins hold `reach` pixels more than the
    encoder's and the decoder's. Weights (B, 1, h, w), of the last tap's size, say how much each place counts.
    """

    reach: ClassVar[int] = 0

    def __init__(self, taps: tuple[str, ...]) -> None:
        super().__init__()
        self.taps = taps

    @abstractmethod
    def summarise(self, activations: Activations, weight: Tensor | None = None) -> Summary:
        """Of a content, or a part of it."""

    @abstractmethod
    def learn(self, activations: Activations, weight: Tensor | None = None) -> Code:
        """All that is needed of a style, or of a region of it."""

    @abstractmethod
    def bind(self, summary: Summary, code: Code) -> Callable[[Activations], Tensor]:
        """The map from activations to features, for a content and a style: what is the same for all tiles, done once.

        Contents and styles are as many, or one of either.
        """

    def forward(self, activations: Activations, summary: Summary, code: Code) -> Tensor:
        """Features (B, C, h, w) for the decoder."""
        return self.bind(summary, code)(activations)

    def plain(self, activations: Activations) -> Tensor:
        """Features from which the decoder paints the content as it is: what a strength of 0 means."""
        return activations[self.taps[0]]

    def bind_plain(self, summary: Summary, learn: Callable[[], Code]) -> Callable[[Activations], Tensor]:
        """The same for a content in tiles; `learn` gives the code of the content itself, for those that want it."""
        return self.plain


def fitted(weight: Tensor | None, activation: Tensor) -> Tensor | None:
    """The weights at the activation's size, by nearest places."""
    return None if weight is None else interpolate(weight.to(activation), activation.shape[2:], mode="nearest")
