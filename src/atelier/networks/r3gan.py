"""The generator and discriminator of R3GAN (Huang et al. 2024, section 3, config E), for any power of two.

Each mirrors the other: at every side from 4 pixels on, two residual blocks without normalisation, and between sides
bilinear resampling. Departure: the generator ends in tanh as all here do, so that images are in [-1, 1]; the paper's
ends in a linear layer.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from atelier.networks import players
from atelier.networks.conditioning import LabelledLatents
from atelier.networks.fixup import stage, start
from atelier.networks.resampling import Downsample, Upsample
from atelier.networks.sizes import channels


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1].

    `max_width` bounds the channels of the coarser sides; grouped convolutions have `group_size` channels per group, or
    as many as divide their width.
    """

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 64,
        width: int = 16,
        max_width: int = 768,
        group_size: int = 16,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(latent_dim, classes)
        widths = channels(image_size, width, max_width)
        self.input = LabelledLatents(latent_dim, classes)
        self.basis = Basis(self.input.width, widths[0])
        layers = stage(widths[0], group_size)
        for coarse, fine in pairwise(widths):
            # the convolution commutes with resampling and costs a quarter on the smaller side
            layers += [*_matching(coarse, fine), Upsample(), *stage(fine, group_size)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 1, bias=False), nn.Tanh())
        start(self, spectral_norm)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.basis(self.input(latents, labels)))


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,). Its features are (B, the coarsest side's channels)."""

    def __init__(
        self,
        image_size: int,
        width: int = 16,
        max_width: int = 768,
        group_size: int = 16,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(classes)
        widths = channels(image_size, width, max_width)[::-1]
        layers = [nn.Conv2d(3, width, 1, bias=False), *stage(width, group_size)]
        for fine, coarse in pairwise(widths):
            layers += [Downsample(), *_matching(fine, coarse), *stage(coarse, group_size)]
        self.layers = nn.Sequential(*layers, WholeMap(widths[-1], 4), nn.Flatten())
        self.head = Head(widths[-1], classes)
        start(self, spectral_norm)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images)


class Basis(nn.Module):
    """Latents (B, D) to (B, width, 4, 4): learned maps, each as strong as a linear function of the latents says."""

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.randn(width, 4, 4))
        self.strength = nn.Linear(latent_dim, width, bias=False)

    def forward(self, latents: Tensor) -> Tensor:
        return self.maps * self.strength(latents)[:, :, None, None]


class WholeMap(nn.Conv2d):
    """Maps (B, width, side, side) to (B, width, 1, 1), each channel by one filter as large as itself.

    Computed as a sum of products, whose derivatives are all cheap; a grouped convolution's second is not.
    """

    def __init__(self, width: int, side: int) -> None:
        super().__init__(width, width, side, groups=width, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        return torch.einsum("bchw,chw->bc", input, self.weight.squeeze(1))[:, :, None, None]


class Head(nn.Module):
    """Features (B, width) to logits (B,): linear, or with classes embed(label) · linear(features) (appendix D)."""

    def __init__(self, width: int, classes: int | None) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width if classes else 1, bias=False)
        self.embedding = nn.Embedding(classes, width) if classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=width**-0.5)  # logits vary as answers do

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        answers = self.linear(features)
        return answers.squeeze(1) if self.embedding is None else (self.embedding(labels) * answers).sum(1)


def _matching(given: int, wanted: int) -> list[nn.Module]:
    return [nn.Conv2d(given, wanted, 1, bias=False)] if given != wanted else []
