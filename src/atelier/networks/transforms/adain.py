"""Adaptive instance normalisation (Huang & Belongie 2017)."""

from collections.abc import Callable

from torch import Tensor

from atelier.moments import Moments, affine, diagonal
from atelier.networks.taps import Activations
from atelier.networks.transforms.base import Summary, Transform, fitted


class AdaIN(Transform[Moments]):
    """Gives each channel the style's mean and standard deviation, at one tap. Learns nothing."""

    def __init__(self, tap: str = "relu4_1") -> None:
        super().__init__((tap,))
        self.tap = tap

    def summarise(self, activations: Activations, weight: Tensor | None = None) -> Summary:
        return Summary({self.tap: self.learn(activations, weight)})

    def learn(self, activations: Activations, weight: Tensor | None = None) -> Moments:
        activation = activations[self.tap]
        return diagonal(activation, fitted(weight, activation))

    def bind(self, summary: Summary, code: Moments) -> Callable[[Activations], Tensor]:
        content = summary.moments[self.tap]
        gain = code.deviation() / content.deviation()  # eq. 8
        bias = code.mean - content.mean * gain
        return lambda activations: affine(activations[self.tap], gain, bias)
