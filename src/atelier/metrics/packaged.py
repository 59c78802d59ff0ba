"""The package's own small network, as scores look through it (docs/embedded.md)."""

from functools import cached_property

import torch

from atelier.files import sha256
from atelier.networks.embedded import WEIGHTS, Embedded


class Packaged:
    """A `Loadable` whose weights come with the package."""

    name = "embedded"

    @cached_property
    def digest(self) -> str:
        return sha256(WEIGHTS)

    def fetch(self) -> None:
        """Nothing is to be downloaded."""

    def load(self, device: torch.device) -> None:
        self.network = Embedded.pretrained().to(device)
