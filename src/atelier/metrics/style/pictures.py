"""Scores of the pictures themselves: LPIPS and SSIM to the content, colours beside the style's."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from atelier.metrics.perceptual import Lpips
from atelier.metrics.style.base import Measure

BINS = 8
"""Per channel: 512 colours."""


class LpipsDistance(Measure):
    """LPIPS between content and stylised (Zhang et al. 2018); `lpips` is AlexNet's, others say which network's."""

    def __init__(self, lpips: Lpips) -> None:
        super().__init__(lpips)
        self.lpips = lpips

    @property
    def name(self) -> str:
        return "lpips" if self.lpips.architecture == "alex" else f"lpips_{self.lpips.architecture}"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        return self.lpips(content, stylised)

    def protocol(self) -> dict[str, Any]:
        return {
            "backbone": self.lpips.architecture,
            "weights_sha256": self.lpips.digest,
            "heads": "version 0.1",
            "input": "uint8 at its own size",
        }


class Ssim(Measure):
    """Structural similarity of content and stylised (Wang et al. 2004), at most 1; pictures of 6 pixels or more.

    As torchmetrics has it: windows reach over the border into the mirrored picture. Others leave the border out.
    """

    higher_is_better = True
    name = "ssim"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        found = structural_similarity_index_measure(
            stylised.float(), content.float(), data_range=255.0, reduction="none"
        )
        assert isinstance(found, Tensor)  # a tuple only where the whole map is asked for
        return found.reshape(-1)

    def protocol(self) -> dict[str, Any]:
        return {
            "formula": "mean over channels and places, the border mirrored, Gaussian window 11 x 11 of deviation 1.5, "
            "K1 0.01, K2 0.03, data range 255",
            "input": "uint8 RGB at its own size",
        }


class ColourHistogramDistance(Measure):
    """Hellinger distance of the joint RGB histograms of style and stylised, in [0, 1]: 1 where no colour is shared."""

    name = "colour_histogram_distance"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        # (1 - Σ √(pq))^½, so written that equal histograms are at 0 exactly
        return (histograms(style).sqrt() - histograms(stylised).sqrt()).square().sum(1).div(2).sqrt()

    def protocol(self) -> dict[str, Any]:
        return {
            "formula": "sqrt(sum((sqrt p - sqrt q)^2) / 2) of joint RGB histograms, mean over pairs",
            "bins_per_channel": BINS,
            "input": "uint8 RGB",
        }


def histograms(images: Tensor) -> Tensor:
    """The share of each of BINS³ colours in uint8 images (B, 3, H, W); float64 (B, BINS³)."""
    red, green, blue = images.div(256 // BINS, rounding_mode="floor").long().flatten(2).unbind(1)
    colours = (red * BINS + green) * BINS + blue
    image = torch.arange(len(images), device=images.device)[:, None]
    counts = (colours + image * BINS**3).flatten().bincount(minlength=len(images) * BINS**3)
    return counts.view(len(images), BINS**3).double() / colours.shape[1]
