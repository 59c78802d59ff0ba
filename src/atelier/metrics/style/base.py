"""What every score of style transfer is: a mean over triples of a content, a style and a stylised picture."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from atelier.metrics.extractors.base import exactly
from atelier.metrics.loadable import Loadable


class Measure(Metric, ABC):
    """Mean over all triples; sums add up over processes.

    `fetch` first tells of missing weights; `load` comes before `update`.
    """

    full_state_update = False
    higher_is_better = False
    total: Tensor
    count: Tensor

    def __init__(self, *networks: Loadable) -> None:
        super().__init__()
        self.networks = networks
        self.add_state("total", torch.zeros((), dtype=torch.float64), "sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), "sum")

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the score; another protocol has another."""

    @abstractmethod
    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        """The score (B,) of each triple of uint8 images (B, 3, H, W)."""

    @abstractmethod
    def protocol(self) -> dict[str, Any]:
        """What else must be alike for two scores to compare."""

    def fetch(self) -> None:
        """See that all weights are on disk, downloading them if need be. Raises UserError where they cannot be had."""
        for network in self.networks:
            network.fetch()

    def load(self, device: torch.device) -> None:
        """Build the networks on a device, and sum there."""
        for network in self.networks:
            network.load(device)
        self.to(device)

    def update(self, content: Tensor, style: Tensor, stylised: Tensor) -> None:
        """Take in triples: uint8 (B, 3, H, W), all of one size."""
        for argument, images in (("content", content), ("style", style), ("stylised", stylised)):
            if images.dtype != torch.uint8 or images.shape != stylised.shape or images.shape[1:2] != (3,):
                raise ValueError(
                    f"{argument} must be uint8 of shape (B, 3, H, W), the same for all, got {images.dtype} "
                    f"{tuple(images.shape)} beside {tuple(stylised.shape)}"
                )
        with exactly(stylised.device):  # a run's precision is no part of a score
            self.take(content, style, stylised)

    def take(self, content: Tensor, style: Tensor, stylised: Tensor) -> None:
        """Add the triples to the sums."""
        self.total += self.measure(content, style, stylised).double().sum()
        self.count += len(stylised)

    def compute(self) -> dict[str, float]:
        """The score by its name; nan where no triple was seen."""
        return {self.name: float(self.total / self.count)}
