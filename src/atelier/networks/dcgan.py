"""The convolutional generator and discriminator of DCGAN (Radford et al. 2016, figure 1), for any power of two.

The paper's networks are for 64 pixels; here each further doubling of the image adds one layer with half the width at
its finest end, so that 4 x 4 features keep a width of `width * image_size / 8` channels.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from atelier.networks import players
from atelier.networks.conditioning import LabelledLatents, Projection
from atelier.networks.one_place import FromOnePlace
from atelier.networks.padding import ConvTranspose2d
from atelier.networks.sizes import doublings, refuse_narrow
from atelier.networks.spectral import normalize_spectrally

Norm = Literal["batch", "instance", "layer"]

NORMS: dict[str | None, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": partial(nn.InstanceNorm2d, affine=True),
    "layer": lambda channels: nn.GroupNorm(1, channels),  # over (C, H, W), as Gulrajani et al. 2017 recommend
    None: lambda channels: nn.Identity(),
}


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1]."""

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 128,
        width: int = 64,
        norm: Norm | None = "batch",
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        refuse_narrow(width)
        super().__init__(latent_dim, classes)
        self.input = LabelledLatents(latent_dim, classes)
        normalise = normaliser(norm)
        widths = [width * 2**stage for stage in reversed(range(doublings(image_size)))]
        layers: list[nn.Module] = [FromOnePlace(self.input.width, widths[0], 4, bias=norm is None)]
        for wide, narrow in pairwise(widths):
            layers += [normalise(wide), nn.ReLU(inplace=True)]
            layers += [ConvTranspose2d(wide, narrow, 4, 2, 1, bias=norm is None)]
        layers += [normalise(width), nn.ReLU(inplace=True), ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers).apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.input(latents, labels)[:, :, None, None])


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,)."""

    def __init__(
        self,
        image_size: int,
        width: int = 64,
        norm: Norm | None = "batch",
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        refuse_narrow(width)
        super().__init__(classes)
        self.mixes_images = norm == "batch"
        normalise = normaliser(norm)
        widths = [width * 2**stage for stage in range(doublings(image_size))]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for narrow, wide in pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=norm is None), normalise(wide)]
            layers += [nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Flatten()).apply(initialize)
        self.head = Projection(16 * widths[-1], classes).apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images)


def initialize(module: nn.Module) -> None:
    """Weights from N(0, 0.02) (Radford et al. 2016, section 4); normalisation scales about 1; biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d | nn.GroupNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        torch.nn.init.zeros_(module.bias)


def normaliser(name: str | None) -> Callable[[int], nn.Module]:
    """What makes the normalisation layer of so many channels."""
    if name not in NORMS:
        raise ValueError(f"norm must be one of {[*NORMS]}, got {name!r}")
    return NORMS[name]
