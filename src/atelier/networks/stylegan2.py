"""StyleGAN2 (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN"), for any power of two.

The generator of skip connections and the residual discriminator of figure 7, configuration F of table 1: features of
resolution r have `width * image_size / r` channels, `max_width` at most. The paper's networks are for 1024 pixels, with
latent_dim 512, width 32 and max_width 512.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from atelier import processes
from atelier.networks import equalized, players
from atelier.networks.mapping import Mapping
from atelier.networks.minibatch import MinibatchDeviation
from atelier.networks.modulation import Layer, ToImage
from atelier.networks.resampling import Downsample, DownsampledConv2d, Upsample
from atelier.networks.sizes import channels

MEAN_DECAY = 0.995
"""How much of the mean style each batch keeps, as in the authors' training."""


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1], by way of styles (B, L, latent_dim).

    In training, the share `mixing` of the images have styles of two latents, one up to a random layer and another from
    there on (Karras et al. 2019, section 3.1). The paper's images have no bounds and are clipped when saved; here tanh
    bounds them, as every generator's.
    """

    mean_style: Tensor

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 512,
        width: int = 32,
        classes: int | None = None,
        spectral_norm: bool = False,
        max_width: int = 512,
        mapping_layers: int = 8,
        mixing: float = 0.9,
    ) -> None:
        super().__init__(latent_dim, classes)
        if not 0 <= mixing <= 1:
            raise ValueError(f"mixing must be in [0, 1], got {mixing}")
        self.mixing = mixing
        widths = channels(image_size, width, max_width)
        self.style_layers = 2 * len(widths)
        self.mapping = Mapping(latent_dim, classes, mapping_layers)
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.layer = Layer(widths[0], widths[0], latent_dim, 4)
        self.to_image = ToImage(widths[0], latent_dim)
        sizes = [8 * 2**stage for stage in range(len(widths) - 1)]
        stages = zip(pairwise(widths), sizes, strict=True)
        self.blocks = nn.ModuleList(SkipBlock(wide, narrow, latent_dim, size) for (wide, narrow), size in stages)
        self.register_buffer("mean_style", torch.zeros(latent_dim))
        if spectral_norm:
            equalized.normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        styles = self.styles(latents, labels)
        if self.training:
            mean = processes.averaged(styles[:, 0].detach().float().mean(0))
            self.mean_style.lerp_(mean, 1 - MEAN_DECAY)
            styles = self.mix(styles, self.styles(torch.randn_like(latents), labels))
        return self.synthesize(styles)

    def training_styles(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Some of two latents, as in `forward`."""
        return self.mix(self.styles(latents, labels), self.styles(torch.randn_like(latents), labels))

    def styles(self, latents: Tensor, labels: Tensor | None = None, truncation: float | None = None) -> Tensor:
        """(B, style_layers, latent_dim), all layers alike.

        `truncation` says how far styles lie from their mean: 1 is as far as they do, above 1 is further, 0 the mean
        itself, which is of all classes, below 0 its other side (Karras et al. 2019, appendix B: truncation in W).
        """
        styles = self.mapping(latents, labels)
        if truncation is not None:
            if not math.isfinite(truncation):
                raise ValueError(f"truncation must be finite, got {truncation}")
            styles = self.mean_style + truncation * (styles - self.mean_style)
        return styles[:, None].expand(-1, self.style_layers, -1)

    def mix(self, styles: Tensor, others: Tensor) -> Tensor:
        """Styles that in some images are the others' from a random layer on."""
        layers = torch.arange(self.style_layers, device=styles.device)
        crossover = torch.randint(1, self.style_layers, (len(styles), 1), device=styles.device)
        mixed = torch.rand(len(styles), 1, device=styles.device) < self.mixing
        return torch.where((mixed & (layers >= crossover))[:, :, None], others, styles)

    def synthesize(self, styles: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.layer(self.constant.expand(len(styles), -1, -1, -1), styles[:, 0])
        image = self.to_image(features, styles[:, 1])
        for stage, block in enumerate(self.blocks, start=1):
            # an image layer shares its style with the next block's first
            features, image = block(features, image, styles[:, 2 * stage - 1 : 2 * stage + 2])
        return torch.tanh(image)


class SkipBlock(nn.Module):
    """Features and the image so far to features and image of twice the size; three styles, (B, 3, style_dim)."""

    def __init__(self, in_channels: int, out_channels: int, style_dim: int, size: int) -> None:
        super().__init__()
        self.up = Layer(in_channels, out_channels, style_dim, size, upsample=True)
        self.layer = Layer(out_channels, out_channels, style_dim, size)
        self.to_image = ToImage(out_channels, style_dim)
        self.upsample = Upsample()

    def forward(self, features: Tensor, image: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
        features = self.layer(self.up(features, styles[:, 0]), styles[:, 1])
        return features, self.upsample(image) + self.to_image(features, styles[:, 2])


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,); `group_size` images are compared with each other."""

    def __init__(
        self,
        image_size: int,
        width: int = 32,
        classes: int | None = None,
        spectral_norm: bool = False,
        max_width: int = 512,
        group_size: int = 4,
    ) -> None:
        super().__init__(classes)
        self.mixes_images = group_size > 1
        widths = channels(image_size, width, max_width)[::-1]
        self.from_image = equalized.Conv2d(3, widths[0], 1)
        self.blocks = nn.Sequential(*[ResidualBlock(narrow, wide) for narrow, wide in pairwise(widths)])
        self.deviation = MinibatchDeviation(group_size)
        self.convolution = equalized.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1)
        self.linear = equalized.Linear(16 * widths[-1], widths[-1])
        self.head = equalized.Projection(widths[-1], classes)
        if spectral_norm:
            equalized.normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        coarse = self.blocks(equalized.activate(self.from_image(images)))
        judged = equalized.activate(self.convolution(self.deviation(coarse)))
        return equalized.activate(self.linear(judged.flatten(1)))


class ResidualBlock(nn.Module):
    """Features to features of half the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convolution = equalized.Conv2d(in_channels, in_channels, 3, padding=1)
        self.down = DownsampledConv2d(in_channels, out_channels)
        self.skip = nn.Sequential(Downsample(), equalized.Conv2d(in_channels, out_channels, 1, bias=False))

    def forward(self, features: Tensor) -> Tensor:
        judged = equalized.activate(self.down(equalized.activate(self.convolution(features))))
        return (judged + self.skip(features)) / math.sqrt(2)  # as much variance as either has
