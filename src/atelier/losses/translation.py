"""What a network that translates pictures minimises: weighted terms of what it made of one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from atelier.losses.content import ContentDistance
from atelier.losses.terms import Term

Part = Literal["adversarial", "pairs", "back", "same", "activations", "patches", "same_patches"]
"""Parts of a translation that are made only if some term reads them."""

Correspondence = tuple[Tensor, Tensor]
"""Unit vectors (B, P, D) of patches of what was drawn, and of the patches at the same places that they stand for."""


@dataclass(frozen=True, kw_only=True)
class Translation:
    """All that one update knows of one direction. What no term reads is None."""

    content: Tensor
    target: Tensor
    """Pictures of the other domain; in paired data, what each content is to become."""
    translated: Tensor
    adversarial: Tensor | None = None
    """The generator's objective: a scalar."""
    back: Tensor | None = None
    """The translated pictures, translated back."""
    same: Tensor | None = None
    """What the generator makes of the pictures of the target domain."""
    activations: tuple[Mapping[str, Tensor], Mapping[str, Tensor]] | None = None
    """What an encoder sees of the translated pictures, and of the targets."""
    patches: Sequence[Correspondence] | None = None
    """Those of the translated pictures and their contents, for each tap."""
    same_patches: Sequence[Correspondence] | None = None
    """Those of `same` and the pictures that it was made of."""


class TranslationTerm(Term[Translation]):
    """A term that reads one of the parts."""

    reads: ClassVar[Part]


class Adversarial(TranslationTerm):
    """The objective of `loss=`; the discriminator has its own."""

    reads: ClassVar[Part] = "adversarial"

    def measure(self, record: Translation) -> Tensor:
        assert record.adversarial is not None
        return record.adversarial


class Cycle(TranslationTerm):
    """Mean absolute difference of what was translated there and back (Zhu et al. 2017, eq. 2)."""

    reads: ClassVar[Part] = "back"

    def measure(self, record: Translation) -> Tensor:
        assert record.back is not None
        return (record.back - record.content).abs().mean()


class Identity(TranslationTerm):
    """Mean absolute difference of pictures that are of the target domain already (Zhu et al. 2017, section 5.2)."""

    reads: ClassVar[Part] = "same"

    def measure(self, record: Translation) -> Tensor:
        assert record.same is not None
        return (record.same - record.target).abs().mean()


class Reconstruction(TranslationTerm):
    """Mean absolute difference from the target (Isola et al. 2017, eq. 3).

    Above 0, `epsilon` rounds it off: sqrt(d^2 + epsilon^2) (Charbonnier et al. 1994), in the units of [-1, 1].
    """

    reads: ClassVar[Part] = "pairs"

    def __init__(self, weight: float, every: int = 1, epsilon: float = 0.0) -> None:
        super().__init__(weight, every)
        if epsilon < 0:
            raise ValueError(f"epsilon must be >= 0, got {epsilon}")
        self.epsilon = epsilon

    def measure(self, record: Translation) -> Tensor:
        apart = record.translated - record.target
        return apart.abs().mean() if self.epsilon == 0 else apart.square().add(self.epsilon**2).sqrt().mean()


class Perceptual(TranslationTerm):
    """Distance from the target in an encoder's activations (Johnson et al. 2016, eq. 2).

    `taps` are those that are compared, each with its weight. Distances are over the size of the target's activations,
    so that weights mean the same whatever the encoder.
    """

    reads: ClassVar[Part] = "activations"

    def __init__(self, weight: float, distance: ContentDistance, taps: Mapping[str, float], every: int = 1) -> None:
        super().__init__(weight, every)
        if not taps:
            raise ValueError("taps must be at least one, got none")
        self.distance, self.taps = distance, dict(taps)

    def measure(self, record: Translation) -> Tensor:
        assert record.activations is not None
        got, wanted = record.activations
        apart = [weight * self.distance.apart(got[tap], wanted[tap]).mean() for tap, weight in self.taps.items()]
        return torch.stack(apart).sum()


class Contrastive(TranslationTerm):
    """A patch says which of the content's patches it stands for (Park et al. 2020, CUT, eq. 3, PatchNCE).

    Departure: a mean over taps and places, as in the published code, where eq. 3 is a sum.
    """

    reads: ClassVar[Part] = "patches"

    def __init__(self, weight: float, temperature: float = 0.07, every: int = 1) -> None:
        super().__init__(weight, every)
        if temperature <= 0:
            raise ValueError(f"temperature must be > 0, got {temperature}")
        self.temperature = temperature

    def measure(self, record: Translation) -> Tensor:
        assert record.patches is not None
        return self._mean(record.patches)

    def _mean(self, patches: Sequence[Correspondence]) -> Tensor:
        return torch.stack([patch_nce(*pair, self.temperature) for pair in patches]).mean()


class IdentityContrastive(Contrastive):
    """The same of pictures that are of the target domain already (Park et al. 2020, section 3)."""

    reads: ClassVar[Part] = "same_patches"

    def measure(self, record: Translation) -> Tensor:
        assert record.same_patches is not None
        return self._mean(record.same_patches)


def patch_nce(query: Tensor, key: Tensor, temperature: float) -> Tensor:
    """Cross entropy of each query's own place among all places of its picture (Park et al. 2020, eq. 2): a scalar.

    Both are unit vectors (B, P, D), float32.
    """
    similar = query @ key.transpose(1, 2) / temperature
    place = torch.arange(query.shape[1], device=query.device).expand(len(query), -1)
    return cross_entropy(similar.flatten(0, 1), place.flatten())
