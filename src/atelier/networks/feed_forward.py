"""The image transformation network of Johnson et al. 2016: one pass turns a picture into one of a style it has learnt.

As in their supplement's table 1, but for what has proved better since: instance norm instead of batch norm (Ulyanov et
al. 2016), reflection padding in every layer instead of once around the picture, and up-sampling before a
convolution instead of transposed convolutions, which draw checkerboards (Odena et al. 2016). Several styles share all
but the norms' gains and biases (Dumoulin et al. 2017).
"""

from collections.abc import Generator

from torch import Tensor, nn
from torch.nn.functional import pad

from atelier.moments import Moments
from atelier.networks.instance_norm import InstanceNorm, mixture_of
from atelier.networks.padding import Conv2d
from atelier.networks.reflection import Upsampling, enlarging
from atelier.networks.to_pixels import ToPixels

STRIDE = 4
"""How many times smaller the smallest map is: tiles begin and end at multiples of it."""

Steps = Generator[Tensor, Moments | None, Tensor]
"""Yields what each instance norm is about to normalise, is sent the moments to do it by (None: its own), and returns
what comes out at the end."""


class FeedForward(nn.Module):
    """Images (B, 3, H, W) in [-1, 1] to stylised ones of the same size, by tanh in [-1, 1] too; sides of 16 or more.

    `width`: channels at full size; the smallest map has four times as many, and `blocks` residual blocks.
    `styles`: how many it has learnt; with several, `style` says which: indices, int64 (B,), or weights (B, styles).
    `upsampling` is "nearest", or "bilinear", which draws no staircases for strokes to hold on to.

    A picture in tiles comes out as the whole would if they begin at multiples of STRIDE, have margins of `reach` pixels
    and are normalised by the moments of the whole: walk their `steps` side by side.
    """

    def __init__(self, width: int = 32, blocks: int = 5, styles: int = 1, upsampling: Upsampling = "nearest") -> None:
        super().__init__()
        for name, value, least in (("width", width, 1), ("blocks", blocks, 0), ("styles", styles, 1)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        enlarged = enlarging(upsampling)
        self.styles, self.upsampling, self.reach = styles, upsampling, _reach(blocks, enlarged.reach)
        self.parts = nn.ModuleList(
            [
                _Normalised(Conv2d(3, width, 9, padding=4, padding_mode="reflect"), styles),
                _Normalised(_convolution(width, 2 * width, stride=2), styles),
                _Normalised(_convolution(2 * width, 4 * width, stride=2), styles),
                *(_Residual(4 * width, styles) for _ in range(blocks)),
                _Normalised(enlarged(4 * width, 2 * width), styles),
                _Normalised(enlarged(2 * width, width), styles),
            ]
        )
        self.to_pixels = ToPixels(width, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, images: Tensor, style: Tensor | None = None) -> Tensor:
        """Raises ValueError where `style` is neither, or is None though there are several."""
        height, width = images.shape[2:]
        stylised = finish(self.steps(whole_strides(images), style))
        # Negative padding crops. A slice would fix, on export, whether sides are multiples of STRIDE.
        return pad(stylised, [0, width - stylised.shape[3], 0, height - stylised.shape[2]])

    def steps(self, images: Tensor, style: Tensor | None = None) -> Steps:
        """The same for images whose sides are multiples of STRIDE, with a halt before each instance norm.

        The smaller maps among those yielded have sides of a half or a quarter of the images'.
        """
        mixture = mixture_of(style, self.styles)
        features = images
        for part in self.parts:
            features = yield from part(features, mixture)
        return self.to_pixels(features).tanh()


def whole_strides(images: Tensor) -> Tensor:
    """Images whose sides are multiples of STRIDE, reflected to the right and below as far as that takes."""
    height, width = images.shape[2:]
    return pad(images, [0, -width % STRIDE, 0, -height % STRIDE], mode="reflect")


def finish(steps: Steps) -> Tensor:
    """Walk to the end, each norm by its own moments."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


class _Normalised(nn.Module):
    """A convolution and instance norm, and a ReLU unless `bare`."""

    def __init__(self, convolution: nn.Conv2d, styles: int, bare: bool = False) -> None:
        super().__init__()
        self.convolution = convolution
        convolution.register_parameter("bias", None)  # the norm would take it away again
        self.norm = InstanceNorm(convolution.out_channels, styles)
        self.activation = nn.Identity() if bare else nn.ReLU(inplace=True)

    def forward(self, features: Tensor, mixture: Tensor | None) -> Steps:
        features = self.convolution(features)
        moments = yield features
        return self.activation(self.norm(features, mixture, moments))


class _Residual(nn.Module):
    """Without a ReLU after the sum, as Johnson et al. have it (after Gross & Wilber 2016)."""

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.first = _Normalised(_convolution(width, width), styles)
        self.second = _Normalised(_convolution(width, width), styles, bare=True)

    def forward(self, features: Tensor, mixture: Tensor | None) -> Steps:
        inner = yield from self.first(features, mixture)
        inner = yield from self.second(inner, mixture)
        return features + inner


def _convolution(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return Conv2d(before, after, 3, stride, padding=1, padding_mode="reflect")


def _reach(blocks: int, enlarged: int) -> int:
    """Pixels, towards the top and left, where it is one more for each halving than towards the other two."""
    last, up = 4, enlarged + 2 * enlarged
    down, first = 1 + 2, 4
    return last + up + 2 * blocks * STRIDE + down + first
