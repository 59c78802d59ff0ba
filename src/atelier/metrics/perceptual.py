"""LPIPS, a learned distance between pictures (Zhang et al. 2018), and its mean over all pairs of a set in one pass."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import torch
import torchmetrics.functional.image
from torch import Tensor, nn
from torchvision.models import alexnet, squeezenet1_1, vgg16

from atelier.errors import UserError
from atelier.networks.vgg import load_features, normalised
from atelier.weights.file import WeightsFile
from atelier.wording import listed

Architecture = Literal["alex", "vgg", "squeeze"]

HEADS = Path(torchmetrics.functional.image.__file__).with_name("lpips_models")
"""The authors' weights of the channels, version 0.1, which torchmetrics carries."""


class Backbone(NamedTuple):
    build: Callable[[], nn.Module]
    taps: tuple[int, ...]
    """Layers of torchvision's `features` after which activations are compared."""
    weights: str
    """Name of the file in `atelier.weights`."""


BACKBONES: dict[str, Backbone] = {
    "alex": Backbone(alexnet, (1, 4, 7, 9, 11), "alexnet"),
    "vgg": Backbone(vgg16, (3, 8, 15, 22, 29), "vgg16"),
    "squeeze": Backbone(squeezenet1_1, (1, 4, 7, 9, 10, 11, 12), "squeezenet"),
}


class FromFile(ABC):
    """A network of published weights, or of a file of one's own; see `WeightsFile`."""

    def __init__(self, published: str, weights: str | None) -> None:
        self.file = WeightsFile(weights, published)

    @property
    def digest(self) -> str:
        return self.file.digest

    def fetch(self) -> None:
        self.file.fetch()

    def load(self, device: torch.device) -> None:
        """Build the network from its weights on disk. Raises UserError where they are another's."""
        try:
            self.network = self.build().to(device)
        except ValueError as error:
            raise UserError(str(error)) from error

    @abstractmethod
    def build(self) -> nn.Module:
        """The network with the weights in the file. Raises ValueError where they do not fit."""


class Network(nn.Module):
    """Activations of one backbone, made so that their squared Euclidean distance is LPIPS.

    Per layer LPIPS is the mean over places of w · (y₁ - y₂)², with the channels of y of unit length at every place
    (Zhang et al. 2018, eq. 1, whose w is the square root of the w meant here and in the published files).
    """

    def __init__(self, architecture: Architecture, path: Path) -> None:
        super().__init__()
        build, self.tapped, _ = BACKBONES[architecture]
        with torch.device("meta"):  # the weights come from a file: draw none
            self.features: nn.Sequential = build().features[: self.tapped[-1] + 1]  # type: ignore[index, assignment]  # torchvision's networks have no type in common
        load_features(self.features, path)
        heads = torch.load(HEADS / f"{architecture}.pth", "cpu", weights_only=True)
        for number in range(len(self.tapped)):
            self.register_buffer(f"head{number}", heads[f"lin{number}.model.1.weight"].clamp(min=0))
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> list[Tensor]:
        """One tensor (B, C, h, w) for each layer, of images (B, 3, H, W) in [-1, 1]."""
        found: list[Tensor] = []
        activation = normalised(images)
        for index, layer in enumerate(self.features):
            activation = layer(activation)
            if index in self.tapped:
                found.append(self._weighted(activation, self.get_buffer(f"head{len(found)}")))
        return found

    def _weighted(self, activation: Tensor, head: Tensor) -> Tensor:
        length = activation.norm(dim=1, keepdim=True) + 1e-10  # the authors' epsilon
        places = activation.shape[2] * activation.shape[3]
        return activation / length * (head / places).sqrt()


class Lpips(FromFile):
    """Distance between pictures of one size, at that size. `load` comes before any distance.

    `architecture` is alex, which the authors advise for scores (31 pixels or more), vgg (16) or squeeze (17).
    """

    def __init__(self, architecture: Architecture = "alex", weights: str | None = None) -> None:
        if architecture not in BACKBONES:
            raise ValueError(f"architecture must be one of {listed(BACKBONES)}, got {architecture!r}")
        super().__init__(BACKBONES[architecture].weights, weights)
        self.architecture: Architecture = architecture

    def build(self) -> Network:
        return Network(self.architecture, self.file.path)

    @torch.no_grad()
    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """LPIPS (B,), at least 0, of uint8 images (B, 3, H, W) and as many others."""
        layers = zip(self.network(first / 127.5 - 1), self.network(second / 127.5 - 1), strict=True)
        return torch.stack([(one - other).square().sum((1, 2, 3)) for one, other in layers]).sum(0)

    @torch.no_grad()
    def embed(self, images: Tensor) -> Tensor:
        """Vectors (B, P) of uint8 images: between images of one size, the squared Euclidean distance is LPIPS.

        P grows with the picture: 31,872 for alex at 64 pixels.
        """
        return torch.cat([layer.flatten(1) for layer in self.network(images / 127.5 - 1)], 1)


def mean_pairwise_distance(total: Tensor, squares: Tensor, count: int) -> float:
    """The mean squared distance over all pairs of different vectors, from sums over all `count` of them.

    `total` (P,) is the sum of the vectors, `squares` that of their squared lengths, both in float64, as

        1 / (N(N-1)) Σᵢ Σⱼ |eᵢ - eⱼ|² = 2N / (N-1) (mean |e|² - |mean e|²)

    is a small difference of larger numbers. Of `Lpips.embed` it is the mean LPIPS of all pairs.
    """
    if count < 2:
        raise ValueError(f"count must be at least 2, got {count}")
    spread = squares.double() / count - (total.double() / count).square().sum()
    return 2 * count / (count - 1) * max(0.0, float(spread))
