"""One network for one style, or for a few: the fastest way to stylise, once it is trained."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from atelier.data.types import Pair
from atelier.losses.style import Aim, StyleDistance
from atelier.losses.transfer import Style, Transferred, TransferTerm
from atelier.networks.feed_forward import FeedForward
from atelier.networks.vgg import Encoder
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory
from atelier.tasks.transfer import TransferTask


class KnowsStyles(Protocol):
    """Data whose styles are the same few pictures for ever."""

    def style_pictures(self) -> Tensor:
        """All of them, uint8 (styles, 3, H, W)."""


class KnownStyles:
    """Styles that do not change: what distances compare with is made of each of them once."""

    @torch.no_grad()
    def __init__(self, encoder: Encoder, pictures: Iterable[Tensor], terms: Iterable[TransferTerm]) -> None:
        """Looks at pictures (3, H, W) in [-1, 1], one after the other, for the terms that are of styles."""
        asked = [(term.distance, tap) for term in terms if isinstance(term, Style) for tap in term.taps]
        seen = [encoder.taps(picture[None], {tap for _, tap in asked}) for picture in pictures]
        self._aims = {
            (distance, tap): _joined([distance.aim(distance.describe(activations[tap])) for activations in seen])
            for distance, tap in asked
        }

    def of(self, labels: Tensor) -> "ChosenStyles":
        return ChosenStyles(self._aims, labels)


class ChosenStyles(NamedTuple):
    """Those of one batch."""

    aims: Mapping[tuple[StyleDistance, str], Aim]
    """Those of all styles, one after the other."""
    labels: Tensor

    def aim(self, distance: StyleDistance, tap: str) -> Aim:
        return _picked(self.aims[distance, tap], self.labels)


def _joined(parts: Sequence[Any]) -> Any:
    """Batches of tensors, or named tuples of such, as one batch."""
    if isinstance(parts[0], Tensor):
        return torch.cat(list(parts))
    return type(parts[0])(*map(_joined, zip(*parts, strict=True)))


def _picked(batch: Any, indices: Tensor) -> Any:
    """What stands at `indices` of a batch of tensors, or of a named tuple of such."""
    if isinstance(batch, Tensor):
        return batch[indices]
    return type(batch)(*(_picked(part, indices) for part in batch))


class FeedForwardStyle(TransferTask):
    """A network of images to images (Johnson et al. 2016), with as many styles as the data has (Dumoulin et al. 2017).

    Labels say which style each content is to have; without labels there is one.
    """

    def __init__(
        self,
        encoder: Encoder,
        network: FeedForward,
        terms: Mapping[str, TransferTerm | None],
        optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
    ) -> None:
        super().__init__(encoder, terms, optimizer, schedule)
        self.network = network  # not channels last: its gradients take 1.2 times as long then, on a CPU
        self.known: KnownStyles | None = None

    @property
    def learned_styles(self) -> int:
        """How many pictures the data must have as styles."""
        return self.network.styles

    def compilable(self) -> Sequence[nn.Module]:
        return [self.network]

    def on_fit_start(self) -> None:
        data: KnowsStyles = self.trainer.datamodule  # type: ignore[attr-defined]  # set by `fit`
        stored = data.style_pictures()  # bytes; as numbers on the device, all of them could be more than it holds
        pictures = (picture.to(self.device).float() / 127.5 - 1 for picture in stored)
        self.known = KnownStyles(self.encoder, pictures, self.terms.values())

    def transfer(self, batch: Pair) -> Transferred:
        assert self.known is not None  # since fitting began
        labels = self._labels(batch)
        stylised = self.network(batch.content, labels)
        with torch.no_grad():
            content = self.encoder.taps(batch.content, self.looked_at)
        seen = self.encoder.taps(stylised, self.looked_at)
        return Transferred(batch.content, stylised, self.known.of(labels), content, seen, goal={}, redraw=list)

    @torch.no_grad()
    def stylised(self, batch: Pair) -> Tensor:
        return self.network(batch.content, self._labels(batch)).float().clamp(-1, 1)

    def _labels(self, batch: Pair) -> Tensor:
        if batch.label is None:
            return torch.zeros(len(batch.content), dtype=torch.int64, device=self.device)
        return batch.label
