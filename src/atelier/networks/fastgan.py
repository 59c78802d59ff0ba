"""The generator and the self-supervised discriminator of FastGAN (Liu et al. 2021), for powers of two from 16 on.

The paper's are for 256 to 1024 pixels; here their channels double with each coarser side, up to `max_width`.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from atelier.networks import players
from atelier.networks.conditioning import LabelledLatents
from atelier.networks.dcgan import initialize
from atelier.networks.gated import NORMS, Down, Norm, convolution, decoder, up
from atelier.networks.one_place import FromOnePlace
from atelier.networks.sizes import channels
from atelier.networks.spectral import normalize_spectrally

SMALLEST = 16
DECODED = 128
"""Side of the largest picture that is decoded: four doublings of 8."""

REACH = 4
"""How many doublings lie between the sides that an excitation joins: 8 and 128, 16 and 256, 32 and 512 (figure 3).

Here 4 and 64 too, and in a network of fewer doublings 4 and its finest side.
"""


class Generator(players.Generator):
    """Latents (B, latent_dim) to images (B, 3, image_size, image_size) in [-1, 1]: one convolution per side."""

    def __init__(
        self,
        image_size: int,
        latent_dim: int = 256,
        width: int = 32,
        max_width: int = 1024,
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(latent_dim, classes)
        widths = channels(image_size, width, max_width, SMALLEST)
        self.input = LabelledLatents(latent_dim, classes)
        first = FromOnePlace(self.input.width, 2 * widths[0], 4, bias=False)
        start = nn.Sequential(first, nn.BatchNorm2d(2 * widths[0]), nn.GLU(1))
        self.stages = nn.ModuleList([start, *(up(coarse, fine) for coarse, fine in pairwise(widths))])
        reach = min(REACH, len(widths) - 1)
        self.excitations = nn.ModuleList(
            [Excitation(widths[k], widths[k + reach], 2**k) for k in range(len(widths) - reach)]
        )
        self.output = nn.Sequential(nn.Conv2d(width, 3, 3, padding=1), nn.Tanh())
        self.apply(initialize)
        if spectral_norm:
            normalize_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        images = self.input(latents, labels)[:, :, None, None]
        passed: list[Tensor] = []
        reach = len(self.stages) - len(self.excitations)
        for k, stage in enumerate(self.stages):
            images = stage(images)
            if k >= reach:
                images = self.excitations[k - reach](passed[k - reach], images)
            passed.append(images)
        return self.output(images)


class Excitation(nn.Module):
    """Channels of a fine feature map, each as strong as a coarse one says (eq. 1 and figure 3)."""

    def __init__(self, coarse: int, fine: int, pool: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AvgPool2d(pool),  # to 4 x 4
            nn.Conv2d(coarse, fine, 4),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(fine, fine, 1),
            nn.Sigmoid(),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return self.gate(coarse) * fine


class Discriminator(players.Discriminator):
    """Images (B, 3, image_size, image_size) to logits (B, 25), of a 5 x 5 grid of parts.

    Its features are those at 16 x 16 and at 8 x 8, and the images themselves, of at most 256 pixels, which small
    decoders are to draw from them: what has come through an augmentation is meant to be drawn so.
    """

    def __init__(
        self,
        image_size: int,
        width: int = 32,
        max_width: int = 1024,
        norm: Norm | None = "batch",
        classes: int | None = None,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__(classes)
        if norm not in NORMS:
            raise ValueError(f"norm must be one of {[*NORMS]}, got {norm!r}")
        self.mixes_images = norm == "batch"
        widths = channels(image_size, width, max_width, SMALLEST)
        of_4, of_8, of_16 = widths[:3]
        downs = [Down(fine, coarse, norm) for fine, coarse in pairwise(widths[:1:-1])]
        self.to_16 = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2, inplace=True), *downs)
        self.to_8 = Down(of_16, of_8, norm)
        self.head = nn.Sequential(*convolution(of_8, of_4, 1, norm=norm), nn.LeakyReLU(0.2, inplace=True))
        self.judge = nn.Conv2d(of_4, 1, 4)
        self.embedding = nn.Embedding(classes, of_4) if classes else None
        self.shrink = max(1, image_size // (2 * DECODED))
        self.decode_part = decoder(of_16, min(image_size // 2, DECODED), norm)
        self.decode_whole = decoder(of_8, min(image_size, DECODED), norm)
        self.apply(initialize)
        if self.embedding is not None:  # of the scale of the layer beside it, as in `Projection`
            nn.init.normal_(self.embedding.weight, std=of_4**-0.5)
        if spectral_norm:
            normalize_spectrally(self)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        finer = self.to_16(images)
        return finer, self.to_8(finer), avg_pool2d(images, self.shrink)

    def logits(self, features: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        hidden = self.head(features[1])
        logits = self.judge(hidden).flatten(1)
        if self.embedding is None:
            return logits
        # The paper has no classes. Each part is projected on the label's embedding (Miyato & Koyama 2018, eq. 3).
        parts = avg_pool2d(hidden, 4, 1).flatten(2)
        return logits + (self.embedding(labels)[:, None] @ parts).squeeze(1)

    def decode(self, features: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Pictures drawn from features, each with what it should be: a quarter of each image and the whole of it.

        (Section 3.2, eq. 2: from a random part of the 16 x 16 features the same part, from all 8 x 8 ones the image.)
        """
        finer, coarser, images = features
        row, column = torch.randint(2, (2, len(images)), device=images.device)
        part = self.decode_part(quarter(finer, row, column)), quarter(images, row, column)
        whole = self.decode_whole(coarser)
        return part, (whole, avg_pool2d(images, images.shape[2] // whole.shape[2]))


def quarter(images: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """(B, C, 2H, 2W) to (B, C, H, W): of image i the quarter in row[i] and column[i], each 0 or 1."""
    index = torch.arange(len(images), device=images.device)
    return images.unflatten(3, (2, -1)).unflatten(2, (2, -1))[index, :, row, :, column]
