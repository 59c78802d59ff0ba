"""The generator and discriminator of BigGAN (Brock et al. 2019, appendix B and table 4)."""

import torch
from torch import Tensor, nn

from atelier.networks import players, residual
from atelier.networks.conditional_norm import VectorNorm
from atelier.networks.conditioning import Projection
from atelier.networks.residual import Downsampling, Upsampling, within
from atelier.networks.spectral import normalize_spectrally

STEPS = {256: (1, 2, 4, 8, 8, 16, 16), 512: (1, 1, 2, 4, 8, 8, 16, 16)}
"""Channels in multiples of `width`, finest first, where the paper does not double at every step (tables 5 and 6)."""


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1].

    The latents are cut into chunks: the first makes the 4 x 4 features, each of the others, beside an embedding of the
    label that all blocks share, the gains and biases of one block (figure 15). Without classes the chunk alone does.
    """

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 120,
        width: int = 96,
        growth: int = 16,
        attention: int | None = 64,
        label_dim: int = 128,
        classes: int | None = None,
        spectral_norm: bool = True,
    ) -> None:
        if label_dim < 1:
            raise ValueError(f"label_dim must be >= 1, got {label_dim}")
        super().__init__(latent_dim, classes)
        widths = channels(image_size, width, growth)[::-1]
        self.chunks = chunks(latent_dim, len(widths))
        self.embedding = nn.Embedding(classes, label_dim) if classes else None
        conditions = [chunk + (label_dim if classes else 0) for chunk in self.chunks[1:]]
        self.input = nn.Linear(self.chunks[0], 16 * widths[0])
        self.layers = Upsampling(
            widths, lambda width, block: VectorNorm(width, conditions[block]), within(attention, image_size)
        )
        self.apply(initialize)
        if spectral_norm:  # not of the embedding, whose rows are inputs, not weights
            normalize_spectrally(self.input)
            normalize_spectrally(self.layers)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        first, *others = latents.split(self.chunks, 1)
        if self.embedding is not None:
            label = self.embedding(labels)
            others = [torch.cat([label, chunk], 1) for chunk in others]
        return self.layers(self.input(first).unflatten(1, (-1, 4, 4)), others)


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,)."""

    def __init__(
        self,
        image_size: int,
        width: int = 96,
        growth: int = 16,
        attention: int | None = 64,
        classes: int | None = None,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__(classes)
        widths = channels(image_size, width, growth)
        self.layers = Downsampling(image_size, widths, attention=within(attention, image_size))
        self.head = Projection(widths[-1], classes)
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images)


def channels(image_size: int, width: int, growth: int) -> list[int]:
    """Channels of the maps, the finest first: as `residual.channels`, but at sizes for which STEPS has others."""
    regular = residual.channels(image_size, width, growth)
    return [width * min(growth, step) for step in STEPS[image_size]] if image_size in STEPS else regular


def chunks(latent_dim: int, parts: int) -> list[int]:
    """Sizes of the parts, as equal as they can be; the larger ones first."""
    if latent_dim < parts:
        raise ValueError(f"latent_dim must be >= {parts}, one for the input and one per block, got {latent_dim}")
    return [(latent_dim + part) // parts for part in reversed(range(parts))]


def initialize(module: nn.Module) -> None:
    """Weights orthogonal (Brock et al. 2019, section 3, after Saxe et al. 2014)."""
    if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
        nn.init.orthogonal_(module.weight)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
