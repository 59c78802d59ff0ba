"""The discriminator of pix2pix and CycleGAN, which judges overlapping patches (PatchGAN; Isola et al. 2017, 6.1.2)."""

from itertools import pairwise

from torch import Tensor, nn

from atelier.networks import players
from atelier.networks.dcgan import Norm, initialize, normaliser
from atelier.networks.spectral import normalize_spectrally


class PatchDiscriminator(players.Discriminator):
    """Images (B, inputs, H, W) to logits (B, P), one for each place of a grid about 2 ** layers pixels apart.

    `inputs` are 6 where a picture is judged together with what it was made from. With its 3 `layers` of stride 2 it is
    C64-C128-C256-C512 of the paper, each of whose logits sees 70×70 pixels; with 1 and 5 it is that of 16×16 and
    286×286. Widths double up to 8 times the first. Labels are not looked at.
    """

    def __init__(
        self,
        inputs: int = 3,
        width: int = 64,
        layers: int = 3,
        norm: Norm | None = "instance",
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("inputs", inputs), ("width", width), ("layers", layers)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")
        self.inputs, self.mixes_images = inputs, norm == "batch"
        self.depth, self.least = layers, 3 * 2**layers
        normalise = normaliser(norm)
        widths = [width * min(8, 2**stage) for stage in range(layers + 1)]
        parts: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for stage, (before, after) in enumerate(pairwise(widths), 1):
            stride = 2 if stage < layers else 1
            parts += [nn.Conv2d(before, after, 4, stride, 1, bias=norm is None), normalise(after)]
            parts += [nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*parts)
        self.head = _Judge(widths[-1], 1, 4, padding=1)
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    @property
    def reach(self) -> int:
        """Pixels along each side that one logit sees, but for what instance norm tells it of the whole."""
        pixels = 1 + 3 + 3  # seen by the two layers of stride 1
        for _ in range(self.depth):
            pixels = 2 * pixels + 2
        return pixels

    def features(self, images: Tensor) -> Tensor:
        """(B, C, h, w). Raises ValueError for images too small to be judged anywhere."""
        if min(images.shape[2:]) < self.least:
            asked = f"of {self.least} pixels or more a side where there are {self.depth} layers"
            raise ValueError(f"images must be {asked}, got {tuple(images.shape)}")
        return self.layers(images)


class _Judge(nn.Conv2d):
    def forward(self, input: Tensor, labels: Tensor | None = None) -> Tensor:
        return super().forward(input).flatten(1)
