"""Residual blocks between 4 x 4 features and images, as SNGAN, SAGAN and BigGAN share them.

(Miyato et al. 2018, tables 4 to 6; Zhang et al. 2019, section 4; Brock et al. 2019, appendix B.)
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from atelier.networks.attention import SelfAttention
from atelier.networks.conditional_norm import ConditionalNorm
from atelier.networks.sizes import doublings, refuse_narrow

SMALLEST = 16


class UpBlock(nn.Module):
    """Features (B, C, H, W) to (B, D, 2 H, 2 W): normalise, ReLU, double, convolve; again without doubling."""

    def __init__(self, inputs: int, outputs: int, first: ConditionalNorm, second: ConditionalNorm) -> None:
        super().__init__()
        self.norms = nn.ModuleList([first, second])
        self.enter = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.leave = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        first, second = self.norms
        hidden = self.enter(double(relu(first(features, condition))))
        hidden = self.leave(relu(second(hidden, condition)))
        return hidden + double(self.shortcut(features))  # a 1 x 1 convolution and doubling may change places


class DownBlock(nn.Module):
    """Features (B, C, H, W) to (B, D, H, W), or with `halve` to (B, D, H / 2, W / 2).

    `first`: of images, which no ReLU may cut off before they are seen.
    """

    def __init__(self, inputs: int, outputs: int, halve: bool, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        # Miyato et al. do not say how many channels lie between; Zhang et al. and Brock et al. have as many as leave.
        self.enter = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.leave = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if halve or inputs != outputs else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.leave(relu(self.enter(features if self.first else relu(features))))
        if not self.halve:
            return hidden + self.shortcut(features)
        return avg_pool2d(hidden, 2) + self.shortcut(avg_pool2d(features, 2))


class Upsampling(nn.Module):
    """Features (B, widths[0], 4, 4) to images (B, 3, S, S) in [-1, 1], one block per doubling.

    `norm` makes the normalisation of so many channels in the block of that number.
    """

    def __init__(
        self, widths: Sequence[int], norm: Callable[[int, int], ConditionalNorm], attention: int | None = None
    ) -> None:
        super().__init__()
        pairs = [*enumerate(pairwise(widths))]
        self.blocks = nn.ModuleList(UpBlock(i, o, norm(i, number), norm(o, number)) for number, (i, o) in pairs)
        self.attention = attend([8 * 2**number for number, _ in pairs], widths[1:], attention)
        self.output = nn.Sequential(
            nn.BatchNorm2d(widths[-1]), nn.ReLU(inplace=True), nn.Conv2d(widths[-1], 3, 3, padding=1), nn.Tanh()
        )

    def forward(self, features: Tensor, conditions: Sequence[Tensor | None]) -> Tensor:
        """`conditions`: one for each block."""
        for block, attention, condition in zip(self.blocks, self.attention, conditions, strict=True):
            features = attention(block(features, condition))
        return self.output(features)


class Downsampling(nn.Module):
    """Images (B, 3, image_size, image_size) to features (B, widths[-1]): one block for each width, then their sum.

    Blocks halve until maps are `coarsest` pixels wide; those after that keep the size.
    """

    def __init__(self, image_size: int, widths: Sequence[int], coarsest: int = 4, attention: int | None = None) -> None:
        super().__init__()
        if coarsest not in (4, 8):
            raise ValueError(f"coarsest must be 4 or 8, got {coarsest}")
        sizes = [max(coarsest, image_size >> number) for number in range(len(widths) + 1)]
        blocks = [
            DownBlock(inputs, outputs, halve=sizes[number + 1] < sizes[number], first=number == 0)
            for number, (inputs, outputs) in enumerate(pairwise([3, *widths]))
        ]
        attention_after = attend(sizes[1:], widths, attention)
        self.blocks = nn.Sequential(*map(nn.Sequential, blocks, attention_after))

    def forward(self, images: Tensor) -> Tensor:
        return relu(self.blocks(images)).sum((2, 3))


def channels(image_size: int, width: int, growth: int) -> list[int]:
    """Channels of the maps, the finest first: `width`, doubled with each halving, at most `growth` times as many.

    With a growth of 16 these are the widths of Miyato et al. 2018, tables 5 and 6, and of Brock et al. 2019, table 4;
    with 1 those of Miyato et al., table 4.
    """
    refuse_narrow(width)
    if growth < 1:
        raise ValueError(f"growth must be >= 1, got {growth}")
    return [width * min(growth, 2**stage) for stage in range(doublings(image_size, SMALLEST) + 1)]


def attend(sizes: Sequence[int], widths: Sequence[int], attention: int | None) -> nn.ModuleList:
    """For each map of that size and width what follows it: attention after the first of size `attention`."""
    if attention is not None and attention not in sizes:
        raise ValueError(f"attention must be null or one of the maps' sizes {sorted({*sizes})}, got {attention}")
    chosen = None if attention is None else sizes.index(attention)
    return nn.ModuleList(SelfAttention(w) if n == chosen else nn.Identity() for n, w in enumerate(widths))


def within(attention: int | None, image_size: int) -> int | None:
    """The size of the map that attends to itself: half the image's at most, which both players have."""
    return None if attention is None else min(attention, image_size // 2)


def double(features: Tensor) -> Tensor:
    return interpolate(features, scale_factor=2.0, mode="nearest")
