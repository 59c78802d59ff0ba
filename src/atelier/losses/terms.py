"""Weighted terms that are added to a player's loss."""

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar, cast

from torch import Tensor, nn

Record = TypeVar("Record")
"""What a term reads: all that one player's update knows."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "adversarial": "the verdict of a discriminator",
        "pairs": "a target for each content",
        "back": "pictures translated back",
        "same": "what becomes of pictures of the target domain",
        "activations": "what an encoder sees of pairs",
        "patches": "patches that stand for others",
        "same_patches": "patches that stand for others",
        "goal": "what a decoder was told to draw",
        "redrawn": "pictures redrawn in their own style",
    }
)
"""The parts of a record that not every task has, as an error names them."""


@dataclass(frozen=True)
class Eased:
    """A weight that goes from `first` to `last` in so many updates, along half a cosine, and stays there.

    (Huang et al. 2024, "The GAN is dead; long live the GAN!": the burn-in of R3GAN.)
    """

    first: float
    last: float
    updates: int

    def __post_init__(self) -> None:
        if min(self.first, self.last) < 0:
            raise ValueError(f"first and last must be >= 0, got {self.first} and {self.last}")
        if self.updates < 1:
            raise ValueError(f"updates must be >= 1, got {self.updates}")

    def at(self, update: int) -> float:
        left = (1 + math.cos(math.pi * min(1.0, update / self.updates))) / 2
        return self.last + left * (self.first - self.last)


class Term(nn.Module, Generic[Record]):
    """Added to a player's loss in every `every`-th of its updates, and scaled up by as much to make up for the others.

    (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 3.1: lazy regularisation.)
    What a term remembers is in buffers, and so in checkpoints.
    """

    needs: ClassVar[str | None] = None
    """The method that a discriminator must have beyond every discriminator's, for this term to make sense."""

    reads: ClassVar[str | None] = None
    """The part of its record, one of WORDS, that not every task has."""

    def __init__(self, weight: float | Eased, every: int = 1) -> None:
        super().__init__()
        if not isinstance(weight, Eased) and weight < 0:
            raise ValueError(f"weight must be >= 0, got {weight}")
        if every < 1:
            raise ValueError(f"every must be >= 1, got {every}")
        self.weight, self.every = weight, every

    def due(self, update: int) -> bool:
        """Whether the player's update number `update`, from 1, has this term."""
        return update % self.every == 0

    def weight_at(self, update: int) -> float:
        return self.weight.at(update) if isinstance(self.weight, Eased) else self.weight

    def forward(self, record: Record, update: int) -> Tensor:
        """What it adds to the loss of the player's update number `update`, in which it is due."""
        return self.weight_at(update) * self.every * self.measure(record)

    def in_the_mean(self, record: Record, update: int) -> Tensor:
        """What it adds to the loss in the mean of the updates around number `update`."""
        return self.weight_at(update) * self.measure(record)

    def measure(self, record: Record) -> Tensor:
        """The term without its weight: a scalar."""
        raise NotImplementedError


Kind = TypeVar("Kind", bound=Term[Any])


def chosen(terms: Mapping[str, Kind | None], offers: Set[str], owner: str) -> Mapping[str, Kind]:
    """The terms that are not None, as modules. Raises ValueError unless every step has a loss.

    The task, which is called `owner`, offers those parts of a record; a term that reads another is refused, too.
    """
    given = {name: term for name, term in terms.items() if term is not None}
    for name, term in given.items():
        if term.reads is not None and term.reads not in offers:
            raise ValueError(f"terms.{name} must be null: it reads {WORDS[term.reads]}, and a {owner} has none")
    rhythms = {name: term.every for name, term in given.items()}
    if 1 not in rhythms.values():
        raise ValueError(f"terms must have one at least of every step (every: 1), got {rhythms or 'none'}")
    return as_modules(given, "terms")


def as_modules(terms: Mapping[str, Kind], key: str) -> Mapping[str, Kind]:
    """Terms as a module, for what they remember belongs into checkpoints.

    Raises ValueError, which begins with the `key`, for a name that no ModuleDict can hold.
    """
    held = nn.ModuleDict()
    for name, term in terms.items():
        if not name or "." in name or hasattr(held, name):
            raise ValueError(f"{key} must have names without dots that torch's ModuleDict does not use, got {name!r}")
        held[name] = term
    return cast(Mapping[str, Kind], held)
