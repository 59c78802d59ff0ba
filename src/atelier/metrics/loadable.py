"""The interface of networks through which scores look at images."""

from typing import Protocol

import torch


class Loadable(Protocol):
    """A network that is no part of what uses it: a checkpoint of a task that holds a metric has none of its weights."""

    @property
    def digest(self) -> str:
        """SHA-256 of the weights' file."""

    def fetch(self) -> None:
        """See that the weights are on disk, downloading them if need be. Raises UserError where they cannot be had."""

    def load(self, device: torch.device) -> None:
        """Build the network from its weights on disk."""
