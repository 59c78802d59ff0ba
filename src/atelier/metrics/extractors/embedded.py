"""The package's own small network as an extractor."""

from functools import cached_property

import torch
from torch import Tensor

from atelier.files import sha256
from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.extractors.resizing import Kernel
from atelier.networks.embedded import CLASSES, SIZE, WEIGHTS, WIDTHS, Embedded


class EmbeddedExtractor(Extractor):
    """160 features and 18 classes, without a download. They are not Inception's (docs/embedded.md)."""

    name, side = "embedded", SIZE
    size, classes = [*WIDTHS.values()][-1], len(CLASSES)

    def __init__(self, kernel: Kernel = "antialias") -> None:
        super().__init__(kernel)

    def fetch(self) -> None:
        """The weights come with the package."""

    def load(self, device: torch.device) -> None:
        self.network = Embedded.pretrained().to(device)

    @cached_property
    def digest(self) -> str:
        return sha256(WEIGHTS)

    def extract(self, images: Tensor) -> Features:
        features = self.network(images / 127.5 - 1)
        return Features(features.pooled, features.logits)
