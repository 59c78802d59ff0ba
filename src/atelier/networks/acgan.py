"""The generator and discriminator of AC-GAN (Odena et al. 2017, appendix A: tables 1, for 128 pixels, and 2, for 32).

Both always have classes: the generator draws them, and the discriminator tells them apart instead of being told.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from atelier.networks import players
from atelier.networks.dcgan import Norm, initialize, normaliser
from atelier.networks.padding import ConvTranspose2d
from atelier.networks.sizes import doublings, refuse_narrow
from atelier.networks.spectral import normalize_spectrally

STRIDES = (2, 1, 2, 1, 2, 1)
"""Strides of the discriminator's layers, for images of any size: both tables have the same six."""


class Generator(players.Generator):
    """Latents (B, latent_dim) and labels (B,) to images (B, 3, image_size, image_size) in [-1, 1].

    With a width of 96 it is table 2's at 32 pixels. The channels of table 1 do not double everywhere: 768, 384, 256,
    192, 64; here they do, at every size, and a width of 48 comes near those.
    """

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 100,
        width: int = 96,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        refuse_narrow(width)
        super().__init__(latent_dim, players.required(classes))
        widths = [width * 2**stage for stage in reversed(range(doublings(image_size)))]
        self.input = nn.Linear(latent_dim + players.required(classes), 16 * widths[0])
        layers: list[nn.Module] = [nn.Unflatten(1, (widths[0], 4, 4)), nn.ReLU(inplace=True)]
        for wide, narrow in pairwise(widths):
            layers += [doubling(wide, narrow, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, doubling(width, 3), nn.Tanh())
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        assert labels is not None  # it has classes
        told = one_hot(labels, self.classes or 0).to(latents.dtype)
        return self.layers(self.input(torch.cat([latents, told], 1)))


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,), whatever the labels; `classify` tells these.

    Without the activation noise of the paper, whose standard deviation was chosen among 0, 0.1 and 0.2.
    """

    def __init__(
        self,
        image_size: int,
        width: int = 16,
        norm: Norm | None = "batch",
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        refuse_narrow(width)
        super().__init__(players.required(classes))
        self.mixes_images = norm == "batch"
        normalise = normaliser(norm)
        layers = layer(3, width, STRIDES[0], nn.Identity())
        for stage, stride in enumerate(STRIDES[1:]):
            wide = width * 2 ** (stage + 1)
            layers += layer(wide // 2, wide, stride, normalise(wide))
        self.layers = nn.Sequential(*layers, nn.Flatten())
        side = 4 * 2 ** doublings(image_size) // 2 ** STRIDES.count(2)
        outputs = width * 2 ** (len(STRIDES) - 1) * side**2
        self.head = nn.Linear(outputs, 1)
        self.classifier = nn.Linear(outputs, players.required(classes))
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images)

    def logits(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.head(features).squeeze(1)

    def classify(self, features: Tensor) -> Tensor:
        """Logits (B, classes) of the classes, from the features."""
        return self.classifier(features)


def doubling(given: int, wanted: int, bias: bool = True) -> nn.Module:
    """Channels and sides: so many to so many, and H x W to 2H x 2W."""
    return ConvTranspose2d(given, wanted, 5, 2, 2, output_padding=1, bias=bias)


def layer(given: int, wanted: int, stride: int, norm: nn.Module) -> list[nn.Module]:
    """One of the discriminator's, with as many channels as are `given` to as many as are `wanted`."""
    convolution = nn.Conv2d(given, wanted, 3, stride, 1, bias=isinstance(norm, nn.Identity))
    return [convolution, norm, nn.LeakyReLU(0.2, inplace=True), nn.Dropout(0.5)]
