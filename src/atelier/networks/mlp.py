"""The fully connected generator and discriminator of Goodfellow et al. 2014, of the sizes of their code for MNIST."""

from torch import Tensor, nn

from atelier.networks import players
from atelier.networks.conditioning import LabelledLatents, Projection
from atelier.networks.sizes import doublings, refuse_narrow
from atelier.networks.spectral import normalize_spectrally

PIECES = 5
"""Linear functions, of which a maxout unit gives the greatest."""


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1], through two rectified layers.

    Departure: tanh at the end, where the authors have the logistic function for grey values in [0, 1]; one is the other
    scaled.
    """

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 100,
        width: int = 1200,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        refuse_narrow(width)
        super().__init__(latent_dim, classes)
        self.input = LabelledLatents(latent_dim, classes)
        self.layers = nn.Sequential(
            nn.Linear(self.input.width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, values(image_size)),
            nn.Tanh(),
            nn.Unflatten(1, (3, image_size, image_size)),
        )
        if spectral_norm:
            normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(self.input(latents, labels))


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B,), through two maxout layers with dropout."""

    def __init__(
        self, image_size: int, width: int = 240, classes: int | None = None, spectral_norm: bool = False
    ) -> None:
        refuse_narrow(width)
        super().__init__(classes)
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.2),
            Maxout(values(image_size), width),
            nn.Dropout(0.5),
            Maxout(width, width),
            nn.Dropout(0.5),
        )
        self.head = Projection(width, classes)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images)


class Maxout(nn.Module):
    """(B, inputs) to (B, width): each unit the greatest of its own linear functions (Goodfellow et al. 2013)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width * PIECES)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features).unflatten(1, (-1, PIECES)).amax(2)


def values(image_size: int) -> int:
    """How many numbers make an image; of the sizes that other families draw, so that a recipe can change family."""
    doublings(image_size)
    return 3 * image_size**2
