"""Fully connected networks for points in the plane, as they are used to study modes."""

from itertools import pairwise

from torch import Tensor, nn

from atelier.networks import players
from atelier.networks.conditioning import LabelledLatents, Projection
from atelier.networks.spectral import normalize_spectrally


class Generator(players.Generator):
    """Latents (B, latent_dim) to points (B, 2, 1, 1) anywhere in the plane."""

    def __init__(
        self,
        latent_dim: int = 2,
        width: int = 128,
        depth: int = 3,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(latent_dim, classes)
        self.input = LabelledLatents(latent_dim, classes)
        self.layers = nn.Sequential(*hidden(self.input.width, width, depth), nn.Linear(width, 2))
        if spectral_norm:
            normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.input(latents, labels))[:, :, None, None]


class Discriminator(players.Discriminator):
    """Points (B, 2, 1, 1) to logits (B,)."""

    def __init__(
        self, width: int = 128, depth: int = 3, classes: int | None = None, spectral_norm: bool = False
    ) -> None:
        super().__init__(classes)
        self.layers = nn.Sequential(*hidden(2, width, depth))
        self.head = Projection(width, classes)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images.flatten(1))


def hidden(inputs: int, width: int, depth: int) -> list[nn.Module]:
    """`depth` layers of `width` rectified units."""
    if depth < 1:
        raise ValueError(f"depth must be >= 1, got {depth}")
    layers: list[nn.Module] = []
    for narrow, wide in pairwise([inputs] + [width] * depth):
        layers += [nn.Linear(narrow, wide), nn.ReLU(inplace=True)]
    return layers
