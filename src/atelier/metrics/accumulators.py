"""What generated images leave behind of themselves: the states that scores are computed from.

They reduce over processes: sums are added, collections put together in the order of the images' numbers.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchmetrics import Metric

from atelier.metrics.extractors.base import Features
from atelier.metrics.frechet import Factored, Full, gaussian


class Shown(NamedTuple):
    """A batch of images as scores see it."""

    images: Tensor | Sequence[Tensor]
    """uint8 (B, 3, H, W), or a list of (3, H, W) of different sizes."""
    features: Features
    numbers: Tensor
    """int64 (B,): which of the generated images these are."""
    labels: Tensor | None = None
    """int64 (B,)"""


class Accumulator(Metric):
    """Takes in what is `Shown`, and knows what to make of it."""

    full_state_update = False

    @abstractmethod
    def update(self, shown: Shown) -> None: ...

    @abstractmethod
    def compute(self) -> Any:
        """The evidence of the images in the states."""

    def evidence(self) -> Any:
        """The evidence of the images of all processes, whose states are reduced once."""
        with self.sync_context():
            return self.own_evidence()

    def own_evidence(self) -> Any:
        """The evidence of the images of this process.

        Past torchmetrics' wrapper of `compute`, which reduces, and makes scalars of tensors with one element.
        """
        return type(self).compute(self)


class FeatureMoments(Accumulator):
    """Mean and covariance of the features, in memory that does not grow with the number of images.

    Samples are kept until they outnumber the features, and then folded into sums: while they are few, the samples
    themselves are the cheaper form.
    """

    held: list[Tensor]
    count: Tensor
    total: Tensor
    outer: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.add_state("held", [], dist_reduce_fx="cat")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("outer", torch.zeros(size, size, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, shown: Shown) -> None:
        self.take(shown.features.pooled)

    def take(self, features: Tensor) -> None:
        """Features (B, D) of more images."""
        self.held.append(features.double())
        self.count += len(features)
        if sum(map(len, self.held)) > features.shape[1]:
            samples = torch.cat(self.held)
            self.total += samples.sum(0)
            self.outer += samples.T @ samples
            self.held = [samples[:0].clone()]  # not no tensor at all, which other processes could not be joined with

    def compute(self) -> Factored | Full:
        held = torch.cat(self.held) if isinstance(self.held, list) else self.held
        if len(held) == self.count:
            return gaussian(held)
        mean = (self.total + held.sum(0)) / self.count
        outer = self.outer + held.T @ held
        return Full(mean, (outer - self.count * torch.outer(mean, mean)) / (self.count - 1))


class Collected(NamedTuple):
    features: Tensor
    """float32 (N, D), in the order of the images' numbers."""
    labels: Tensor | None


class Collection(Accumulator):
    """The features themselves, for scores that compare image with image."""

    features: list[Tensor]
    numbers: list[Tensor]
    labels: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("features", "numbers", "labels"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, shown: Shown) -> None:
        self.features.append(shown.features.pooled)
        self.numbers.append(shown.numbers)
        self.labels.append(torch.full_like(shown.numbers, -1) if shown.labels is None else shown.labels)

    def compute(self) -> Collected:
        features, numbers, labels = (
            torch.cat(state) if isinstance(state, list) else state
            for state in (self.features, self.numbers, self.labels)
        )
        order = numbers.argsort()
        return Collected(features[order], None if (labels < 0).any() else labels[order])


class ClassShares(NamedTuple):
    shares: Tensor
    """float64 (splits, classes): sums over images of their classes' probabilities."""
    certainty: Tensor
    """float64 (splits,): sums over images of Σ p log p, the negative entropy."""
    counts: Tensor
    """int64 (splits,)"""


class Classes(Accumulator):
    """Sums of class probabilities over each split. Image number i is in split i mod `splits`."""

    shares: Tensor
    certainty: Tensor
    counts: Tensor

    def __init__(self, splits: int, classes: int) -> None:
        super().__init__()
        self.splits = splits
        self.add_state("shares", torch.zeros(splits, classes, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("certainty", torch.zeros(splits, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("counts", torch.zeros(splits, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, shown: Shown) -> None:
        assert shown.features.logits is not None  # refused where a network has none
        logarithms = shown.features.logits.double().log_softmax(1)
        shares = logarithms.exp()
        in_split = one_hot(shown.numbers % self.splits, self.splits)
        # by products, for a GPU adds to an index in an order that changes
        self.shares += in_split.double().T @ shares
        self.certainty += in_split.double().T @ (shares * logarithms).sum(1)
        self.counts += in_split.sum(0)

    def compute(self) -> ClassShares:
        return ClassShares(self.shares, self.certainty, self.counts)
