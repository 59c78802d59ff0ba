"""All that a callback knows of a task."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Sampler(Protocol):
    """A task that makes images out of nothing but chance."""

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Images in [-1, 1], float32 (count, 3, H, W), on any device.

        A generator lives on the CPU and fixes the images, whatever the device; without one they follow the
        global generator. Neither weights, buffers nor training mode are changed by sampling.
        """
        ...
