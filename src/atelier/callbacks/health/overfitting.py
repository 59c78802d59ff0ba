"""Whether a discriminator judges pictures, or remembers them."""

from typing import NamedTuple

from torch import Tensor

REMEMBERED = 0.5
"""An r_v above this is warned of. At 0 held-out pictures look as real as training ones, at 1 they look generated."""

CERTAIN = 3.0
"""Standard errors that the gap must be from 0: logits of some hundred pictures differ by chance, too."""


class Overfitting(NamedTuple):
    """How training pictures, held-out ones and samples look to a discriminator."""

    gap: float
    """Mean logit of training pictures less that of held-out ones."""
    error: float
    """Standard error of the gap."""
    ratio: float
    """r_v of Karras et al. 2020 (ADA), eq. 1; 0 where samples look as real as training pictures, or more so."""

    @property
    def certain(self) -> bool:
        return self.ratio > REMEMBERED and self.gap > CERTAIN * self.error


def overfitting(training: Tensor, held_out: Tensor, fake: Tensor) -> Overfitting:
    """Overfitting by logits (N,), (M,) and (L,), two of each at least."""
    gap = (training.mean() - held_out.mean()).item()
    error = (training.var() / len(training) + held_out.var() / len(held_out)).sqrt().item()
    told_apart = (training.mean() - fake.mean()).item()
    return Overfitting(gap, error, gap / told_apart if told_apart > 0 else 0.0)
