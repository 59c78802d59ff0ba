"""CFSD: which parts of a picture resemble one another, before and after, whatever they look like."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from atelier.metrics.style.base import Measure
from atelier.metrics.style.encoders import Encoder

TAP = "relu3_1"

CHUNK = 2**18
"""Similarities held at once: 2 MB, which a core's cache holds. All of a picture of 512 pixels would be 2 GB."""


class Cfsd(Measure):
    """Content feature structural distance (Chung et al. 2024, "Style injection in diffusion"): StyleID's.

    As their released code computes it: a sum over patches, so that it grows with the picture's area, and scores compare
    at one size only, 512 pixels in the published grids. Where others take the mean, a score is that much smaller.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self.encoder = encoder

    @property
    def name(self) -> str:
        return f"{self.encoder.prefix}cfsd"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        return structural_distance(*(self.encoder.taps(images, [TAP])[TAP] for images in (content, stylised)))

    def protocol(self) -> dict[str, Any]:
        return {
            "formula": "sum over patches i of KL(content || stylised) of softmax over j of f_i . f_j / channels^2",
            "encoder": self.encoder.name,
            "weights_sha256": self.encoder.digest,
            "taps": [TAP],
            "input": "uint8 at its own size, which the sum grows with",
        }


def structural_distance(content: Tensor, stylised: Tensor) -> Tensor:
    """The distances (B,) between activations (B, C, h, w); every place is a patch."""
    pairs = zip(*(one.flatten(2).transpose(1, 2) / one.shape[1] for one in (content, stylised)), strict=True)
    return torch.stack([_divergence(*pair) for pair in pairs])


def _divergence(content: Tensor, stylised: Tensor) -> Tensor:
    """Summed over the rows of the matrices of similarities between patches (P, C), some rows at a time.

    In float64: a row of 16,384 nearly equal probabilities diverges by some 1e-5, the last digit of their logarithms.
    """
    rows = max(1, CHUNK // len(content))
    parts = [
        kl_div(
            log_softmax((got @ stylised.T).double(), 1),
            log_softmax((wanted @ content.T).double(), 1),
            reduction="sum",
            log_target=True,
        )
        for wanted, got in zip(content.split(rows), stylised.split(rows), strict=True)
    ]
    return torch.stack(parts).sum()
