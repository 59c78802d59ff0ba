"""What pictures are compared by, where they come as the task sees them: float, in [-1, 1]."""

import torch
from torch import Tensor

from atelier.networks.embedded import Embedded

BATCH = 64
"""Images a forward pass: on a CPU twice as many at once take longer."""


class EmbeddedFeatures:
    """Pooled features (B, 160) of the package's own network; it is loaded when it first sees a picture."""

    def __init__(self) -> None:
        self._network: Embedded | None = None

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        self._network = (self._network or Embedded.pretrained()).to(images.device)
        return torch.cat([self._network(some).pooled for some in images.split(BATCH)])


class Coordinates:
    """The numbers themselves, (B, D): for points, whose distances mean something as they are."""

    def __call__(self, images: Tensor) -> Tensor:
        return images.flatten(1)
