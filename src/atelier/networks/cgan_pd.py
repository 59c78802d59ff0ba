"""The residual networks that always have classes (Miyato & Koyama 2018, "cGANs with projection discriminator")."""

from atelier.networks import resnet
from atelier.networks.players import required


class Generator(resnet.Generator):
    """With conditional batch norm."""

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 128,
        width: int = 64,
        growth: int = 16,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(image_size, latent_dim, width, growth, None, required(classes), spectral_norm)


class Discriminator(resnet.Discriminator):
    """With projection of the features on the label's embedding (eq. 3)."""

    def __init__(
        self,
        image_size: int,
        width: int = 64,
        growth: int = 16,
        coarsest: int = 4,
        classes: int | None = None,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__(image_size, width, growth, coarsest, None, required(classes), spectral_norm)
