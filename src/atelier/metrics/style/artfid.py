"""ArtFID: is it still the content, and is it now the style? (Wright & Ommer 2022)."""

from typing import Any

import torch
from torch import Tensor

from atelier.errors import UserError
from atelier.metrics.extractors.base import Extractor
from atelier.metrics.frechet import Factored, frechet_distance, gaussian
from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.base import Measure

ART = "art_inception"
"""Name of the extractor that the paper fine-tuned on paintings; with any other network the score has another name."""


class ArtFid(Measure):
    """(1 + LPIPS of content and stylised) · (1 + Fréchet distance of the sets of style and stylised), at least 1.

    The features of all pictures are kept. A style counts as often as it was used, as in the published grids, whose
    folders hold a copy of the style for each stylised picture.
    """

    stylised_features: list[Tensor]
    style_features: list[Tensor]

    def __init__(self, extractor: Extractor, lpips: Lpips) -> None:
        super().__init__(extractor, lpips)
        self.extractor, self.lpips = extractor, lpips
        self.add_state("stylised_features", [], "cat")
        self.add_state("style_features", [], "cat")

    @property
    def name(self) -> str:
        """`artfid` is that of the paper's code: its Inception, and LPIPS by AlexNet."""
        parts = ["artfid"]
        if self.extractor.name != ART:
            parts.append(self.extractor.name)
        if self.lpips.architecture != "alex":
            parts.append(self.lpips.architecture)
        return "_".join(parts).replace("-", "_")

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        """Its part of content alone: LPIPS."""
        return self.lpips(content, stylised)

    def take(self, content: Tensor, style: Tensor, stylised: Tensor) -> None:
        super().take(content, style, stylised)
        self.stylised_features.append(self.extractor(stylised).pooled)
        self.style_features.append(self.extractor(style).pooled)

    def compute(self) -> dict[str, float]:
        """The score, and the Fréchet distance in it. Raises UserError for fewer than two triples."""
        if self.count < 2:
            raise UserError(f"{self.name} compares sets: it needs two stylised pictures at least, got {self.count}")
        distance = frechet_distance(_gaussian(self.stylised_features), _gaussian(self.style_features))
        return {
            self.name: (1 + float(self.total / self.count)) * (1 + distance),
            f"{self.name}_frechet_distance": distance,
        }

    def protocol(self) -> dict[str, Any]:
        return {
            "formula": "(1 + mean LPIPS(content, stylised)) (1 + Frechet distance(style, stylised))",
            "extractor": self.extractor.name,
            "extractor_sha256": self.extractor.digest,
            "resize": self.extractor.kernel,
            "lpips_backbone": self.lpips.architecture,
            "lpips_sha256": self.lpips.digest,
            "covariance": "unbiased, float64",
            "pairs": "a style as often as it was used",
        }


def _gaussian(batches: list[Tensor] | Tensor) -> Factored:
    """That of all features: a list of batches, or one tensor where processes have been brought together."""
    return gaussian(batches if isinstance(batches, Tensor) else torch.cat(batches)).factored()
