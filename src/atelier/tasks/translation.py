"""What tasks that translate pictures have in common."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from atelier.losses.terms import chosen
from atelier.losses.translation import Part, TranslationTerm
from atelier.networks.translator import Translator
from atelier.tasks.adversarial import AdversarialTask


class TranslationTask(AdversarialTask):
    """Generators of pictures out of pictures. A step is an update of every player on one batch, generators first.

    `terms` are what generators minimise, each with its weight; their names are those of the record, and one that is
    None is left out. Without an adversarial one there is nobody to fool, and no discriminator learns.
    """

    offers: ClassVar[frozenset[Part]]
    """The parts of a translation that terms may read."""

    def __init__(self, terms: Mapping[str, TranslationTerm | None], clip_norm: float | None) -> None:
        super().__init__(clip_norm)
        self.terms = chosen(terms, self.offers, type(self).__name__)

    @property
    @abstractmethod
    def translators(self) -> Mapping[str, Translator]:
        """The network of each direction, by the direction's name; the first is that of `translated`."""

    @abstractmethod
    def translated(self, batch: Any) -> Tensor:
        """The contents of a batch, translated: (B, 3, H, W) in [-1, 1]."""

    @abstractmethod
    def shown(self, batch: Any) -> Sequence[Tensor]:
        """What a person compares, each (B, 3, h, w): contents, what became of them, and what that is held against."""

    @property
    def is_adversarial(self) -> bool:
        return any(term.reads == "adversarial" for term in self.terms.values())

    def due(self, step: int) -> dict[str, TranslationTerm]:
        return {name: term for name, term in self.terms.items() if term.due(step)}


@contextmanager
def evaluated(network: nn.Module) -> Iterator[None]:
    """Within it nothing drops out and no gradient is kept."""
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)


def parts_of(terms: Mapping[str, TranslationTerm]) -> set[Part]:
    """What is read by some term."""
    return {term.reads for term in terms.values()}


def together(network: Translator, *batches: Tensor) -> Sequence[Tensor]:
    """Several batches through a network: in one pass, where it sees each picture alone."""
    if len(batches) == 1 or any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return [network(batch) for batch in batches]
    return network(torch.cat(batches)).split([len(batch) for batch in batches])
