"""The residual generator and discriminator of SNGAN (Miyato et al. 2018), and with attention of SAGAN.

They have tables of their own for 32, 48 and 128 pixels; here one rule (`residual.channels`) makes those and every other
power of two. With classes they are the networks of Miyato & Koyama 2018: conditional batch norm and projection.
"""

from torch import Tensor, nn

from atelier.networks import players
from atelier.networks.conditional_norm import ClassNorm
from atelier.networks.conditioning import Projection
from atelier.networks.residual import Downsampling, Upsampling, channels, within
from atelier.networks.spectral import normalize_spectrally


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1].

    `growth`: channels of the coarsest map, at most, in multiples of `width`. `attention`: size of the map that attends
    to itself, or half the image's where that is smaller.
    """

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 128,
        width: int = 64,
        growth: int = 16,
        attention: int | None = None,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(latent_dim, classes)
        widths = channels(image_size, width, growth)[::-1]
        self.input = nn.Linear(latent_dim, 16 * widths[0])
        self.layers = Upsampling(widths, lambda width, _: ClassNorm(width, classes), within(attention, image_size))
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.input(latents).unflatten(1, (-1, 4, 4)), [labels] * len(self.layers.blocks))


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,).

    `growth` and `attention` as the generator's; `coarsest`: size of the last map, 4 or 8.
    """

    def __init__(
        self,
        image_size: int,
        width: int = 64,
        growth: int = 16,
        coarsest: int = 4,
        attention: int | None = None,
        classes: int | None = None,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__(classes)
        widths = channels(image_size, width, growth)
        self.layers = Downsampling(image_size, widths, coarsest, within(attention, image_size))
        self.head = Projection(widths[-1], classes)
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images)


def initialize(module: nn.Module) -> None:
    """Weights uniform by the rule of Glorot & Bengio 2010, eq. 16; biases 0."""
    if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
        nn.init.xavier_uniform_(module.weight)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
