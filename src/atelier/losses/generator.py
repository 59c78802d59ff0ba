"""Terms of the generator beside its objective. Each maps one `Creation` to a scalar."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from atelier.losses.terms import Term


@dataclass(frozen=True)
class Creation:
    """All that one generator update knows. `fake`, its logits and features carry the generator's graph."""

    generator: nn.Module
    discriminator: nn.Module
    latents: Tensor
    labels: Tensor | None
    fake: Tensor
    fake_logits: Tensor
    fake_features: Any


class GeneratorTerm(Term[Creation]):
    """Something else that the generator is asked for."""
