"""The package's own small network as an extractor."""

from torch import Tensor

from atelier.metrics.extractors.base import Extractor, Features
from atelier.metrics.extractors.resizing import Kernel
from atelier.metrics.packaged import Packaged
from atelier.networks.embedded import CLASSES, SIZE, WIDTHS


class EmbeddedExtractor(Packaged, Extractor):
    """160 features and 18 classes, without a download. They are not Inception's (docs/embedded.md)."""

    side = SIZE
    size, classes = [*WIDTHS.values()][-1], len(CLASSES)

    def __init__(self, kernel: Kernel = "antialias") -> None:
        super().__init__(kernel)

    def extract(self, images: Tensor) -> Features:
        features = self.network(images / 127.5 - 1)
        return Features(features.pooled, features.logits)
