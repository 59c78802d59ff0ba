"""How far a stylised picture is from its content, and from its style, in the activations of an encoder."""

from typing import Any

import torch
from torch import Tensor

from atelier.metrics.style.base import Measure
from atelier.metrics.style.encoders import Encoder

CONTENT_TAP = "relu4_1"
STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


class ContentDistance(Measure):
    """Mean squared difference of activations from the content's (Gatys et al. 2016, eq. 1, a mean and not half a sum).

    At relu4_1 as in the literature since AdaIN (Huang & Belongie 2017); Gatys et al. take conv4_2.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self.encoder = encoder

    @property
    def name(self) -> str:
        return f"{self.encoder.prefix}content_distance"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        wanted, got = (self.encoder.taps(images, [CONTENT_TAP])[CONTENT_TAP] for images in (content, stylised))
        return (got - wanted).square().mean((1, 2, 3))

    def protocol(self) -> dict[str, Any]:
        return _protocol(self.encoder, [CONTENT_TAP], "mean squared difference from the content's activations")


class StyleDistance(Measure):
    """Squared difference of Gram matrices from the style's (Gatys et al. 2016, eq. 3-5, all layers of equal weight)."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self.encoder = encoder

    @property
    def name(self) -> str:
        return f"{self.encoder.prefix}style_distance"

    def measure(self, content: Tensor, style: Tensor, stylised: Tensor) -> Tensor:
        wanted, got = (self.encoder.taps(images, STYLE_TAPS) for images in (style, stylised))
        return torch.stack([_gram_distance(got[tap], wanted[tap]) for tap in STYLE_TAPS]).mean(0)

    def protocol(self) -> dict[str, Any]:
        formula = "mean over taps of sum((G - A)^2) / 4N^2, G and A Gram matrices / places, N channels"
        return _protocol(self.encoder, list(STYLE_TAPS), formula)


def gram(activation: Tensor) -> Tensor:
    """Gram matrices (B, C, C) of activations (B, C, h, w), divided by the number of places."""
    flat = activation.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def _gram_distance(first: Tensor, second: Tensor) -> Tensor:
    # eq. 4 divides sums over places by M² = (places)², as `gram` has done already
    return (gram(first) - gram(second)).square().sum((1, 2)) / (4 * first.shape[1] ** 2)


def _protocol(encoder: Encoder, taps: list[str], formula: str) -> dict[str, Any]:
    return {
        "formula": formula,
        "encoder": encoder.name,
        "weights_sha256": encoder.digest,
        "taps": taps,
        "input": "uint8 at its own size",
    }
