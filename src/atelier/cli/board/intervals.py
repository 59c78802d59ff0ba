"""How far a score over a grid would move with other contents and other styles."""

from typing import NamedTuple

import torch
from torch import Tensor

from atelier.metrics.frechet import Factored, frechet_distance

RESAMPLES, LEVEL = 1000, 0.95


class Draws(NamedTuple):
    """How often each content (R, C) and each style (R, S) counts when both are drawn again with replacement.

    A pair counts as often as its content times as often as its style: pictures of one content, or in one style, are
    alike, and drawing single pairs would take them for independent (Owen 2007, "The pigeonhole bootstrap", who shows
    that this is a little too wide rather than too narrow: by up to √3 where neither content nor style matters). Always
    the same draws for one size of grid, so that methods can be compared draw by draw.
    """

    contents: Tensor
    styles: Tensor

    @classmethod
    def of(cls, contents: int, styles: int, resamples: int = RESAMPLES) -> "Draws":
        return cls(_counts(contents, resamples, 0), _counts(styles, resamples, 1))

    def means(self, values: Tensor) -> Tensor:
        """Of values (C, S): float64 (R,)."""
        sums = torch.einsum("rc,cs,rs->r", self.contents, values.double().cpu(), self.styles)
        return sums / values.numel()

    def frechet_distances(self, stylised: Tensor, style: Tensor) -> Tensor:
        """Between features of the stylised (C, S, D), and of the styles (S, D), each as often as it was used."""
        stylised, style = stylised.double().cpu(), style.double().cpu()  # many small matrices are no work for a GPU
        found = []
        for contents, styles in zip(self.contents, self.styles, strict=True):
            pairs = torch.outer(contents, styles).flatten()
            used = len(contents) * styles
            found.append(frechet_distance(_weighted(style, used), _weighted(stylised.flatten(0, 1), pairs)))
        return torch.tensor(found, dtype=torch.float64)


def interval(score: float, drawn: Tensor) -> tuple[float, float]:
    """Of 95 %: the deviations of the drawn scores (R,) from their own mean, put around the score itself.

    A Fréchet distance of fewer different pictures is larger, which says nothing of the spread (`metrics.resampling`).
    """
    return _quantiles(score + drawn - drawn.mean())


def alike(drawn: Tensor, other: Tensor) -> bool:
    """Whether two methods' scores over the same draws (R,) differ by no more than the draws do."""
    low, high = _quantiles(drawn - other)
    return low <= 0 <= high


def _quantiles(values: Tensor) -> tuple[float, float]:
    ends = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    low, high = values.quantile(ends).tolist()
    return low, high


def _counts(count: int, resamples: int, seed: int) -> Tensor:
    chosen = torch.randint(count, (resamples, count), generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.one_hot(chosen, count).sum(1).double()


def _weighted(features: Tensor, counts: Tensor) -> Factored:
    """The Gaussian of features (N, D) of which each counts so often; a column of its factor for each that does."""
    features, counts = features[counts > 0], counts[counts > 0]
    total = counts.sum()
    mean = counts @ features / total
    return Factored(mean, ((features - mean) * (counts / (total - 1)).sqrt()[:, None]).T)
