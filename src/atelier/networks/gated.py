"""What FastGAN's networks are made of (Liu et al. 2021): gated steps up, residual steps down, small decoders."""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

Norm = Literal["batch"]
NORMS: dict[str | None, type[nn.Module]] = {"batch": nn.BatchNorm2d, None: nn.Identity}


def convolution(given: int, wanted: int, kernel: int, stride: int = 1, norm: Norm | None = "batch") -> list[nn.Module]:
    """It and its normalisation; sides are kept, or divided by the stride."""
    layer = nn.Conv2d(given, wanted, kernel, stride, (kernel - 1) // 2, bias=norm is None)
    return [layer, NORMS[norm](wanted)]


def up(coarse: int, fine: int, norm: Norm | None = "batch") -> nn.Sequential:
    """Twice the side: one convolution, half of whose channels gate the others."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"), *convolution(coarse, 2 * fine, 3, norm=norm), nn.GLU(1)
    )


def decoder(width: int, side: int, norm: Norm | None) -> nn.Sequential:
    """Features (B, width, 8, 8) to pictures (B, 3, side, side) in [-1, 1] (figure 4)."""
    widths = [max(1, width >> depth) for depth in range(side.bit_length() - 3)]
    ups = [up(coarse, fine, norm) for coarse, fine in pairwise(widths)]
    return nn.Sequential(*ups, nn.Conv2d(widths[-1], 3, 3, padding=1), nn.Tanh())


class Down(nn.Module):
    """Half the side: the mean of two convolutions and of one of the averaged pixels (figure 4)."""

    def __init__(self, fine: int, coarse: int, norm: Norm | None) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *convolution(fine, coarse, 4, stride=2, norm=norm),
            nn.LeakyReLU(0.2, inplace=True),
            *convolution(coarse, coarse, 3, norm=norm),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.direct = nn.Sequential(
            nn.AvgPool2d(2), *convolution(fine, coarse, 1, norm=norm), nn.LeakyReLU(0.2, inplace=True)
        )

    def forward(self, images: Tensor) -> Tensor:
        return (self.main(images) + self.direct(images)) / 2
