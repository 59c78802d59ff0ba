"""NAFNet, which restores pictures without a nonlinear activation (Chen et al. 2022, "Simple baselines for image
restoration").

As in their figure 2 and 3, with a residual to the picture. Enlarging, as Chu et al. 2022 have it ("NAFSSR", figure 2):
the body at low resolution, a pixel shuffle at its end, and a residual to the enlarged picture; theirs is enlarged
bilinearly, here it is bicubic, which it has to beat. The last convolution starts at zero, so that an untrained network
gives back what it is given.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, layer_norm

from atelier.networks.translator import Translator

SCALES = (1, 2, 4)


class NafNet(Translator):
    """Sides are multiples of 2 to the number of halvings, one for each of `encoder_blocks`.

    `width`: channels at full size, doubled by each halving; the rest says how many blocks there are at each size from
    the finest, at the coarsest, and at each size up to the finest again. Pictures are cut off at ± 1 in evaluation
    alone: in training a colour beyond has to learn its way back.
    """

    def __init__(
        self,
        width: int = 32,
        encoder_blocks: Sequence[int] = (1, 1, 1),
        middle_blocks: int = 1,
        decoder_blocks: Sequence[int] = (1, 1, 1),
        scale: int = 1,
        masked: bool = False,
    ) -> None:
        if scale not in SCALES:
            raise ValueError(f"scale must be one of {[*SCALES]}, got {scale}")
        if width < 1:
            raise ValueError(f"width must be >= 1, got {width}")
        if len(encoder_blocks) != len(decoder_blocks):
            asked = f"as many as encoder_blocks {[*encoder_blocks]}"
            raise ValueError(f"decoder_blocks must be {asked}, got {[*decoder_blocks]}")
        for name, counts in (
            ("encoder_blocks", encoder_blocks),
            ("middle_blocks", [middle_blocks]),
            ("decoder_blocks", decoder_blocks),
        ):
            if any(count < 0 for count in counts):
                raise ValueError(f"{name} must be >= 0, got {', '.join(map(str, counts))}")
        multiple = 2 ** len(encoder_blocks)
        super().__init__(masked, scale, multiple, least=multiple)
        widths = [width * 2**stage for stage in range(len(encoder_blocks) + 1)]
        self.enter = nn.Conv2d(self.inputs, width, 3, padding=1)
        self.encoders = nn.ModuleList(_blocks(*each) for each in zip(widths, encoder_blocks, strict=False))
        self.downs = nn.ModuleList(nn.Conv2d(fine, 2 * fine, 2, 2) for fine in widths[:-1])
        self.middle = _blocks(widths[-1], middle_blocks)
        self.ups = nn.ModuleList(_enlarging(coarse) for coarse in widths[:0:-1])
        self.decoders = nn.ModuleList(_blocks(*each) for each in zip(widths[-2::-1], decoder_blocks, strict=True))
        self.leave = nn.Conv2d(width, 3 * scale**2, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, pictures: Tensor) -> Tensor:
        self.refuse_misfits(pictures)
        drawn = self.shuffle(self.leave(self._body(pictures))) + self._enlarged(pictures[:, :3])
        return drawn if self.training else drawn.clamp(-1, 1)

    def _body(self, pictures: Tensor) -> Tensor:
        # for the layer norms: a fifth less time in training, on a CPU
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        features, passed = self.enter(pictures), []
        for blocks, down in zip(self.encoders, self.downs, strict=True):
            features = blocks(features)
            passed.append(features)
            features = down(features)
        features = self.middle(features)
        for up, blocks in zip(self.ups, self.decoders, strict=True):
            features = blocks(up(features) + passed.pop())
        return features

    def _enlarged(self, pictures: Tensor) -> Tensor:
        if self.scale == 1:
            return pictures
        # with `antialias` torch's cubic has a = -0.5, as that which the literature compares with
        return interpolate(pictures, scale_factor=self.scale, mode="bicubic", antialias=True)


class Block(nn.Module):
    """Features (B, C, H, W) to the same (figure 3c): two residual branches, each as strong as it learns, from 0 on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.spatial = nn.Sequential(
            LayerNorm(width),
            nn.Conv2d(width, 2 * width, 1),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width),
            SimpleGate(),
            ChannelAttention(width),
            nn.Conv2d(width, width, 1),
        )
        self.channelwise = nn.Sequential(
            LayerNorm(width), nn.Conv2d(width, 2 * width, 1), SimpleGate(), nn.Conv2d(width, width, 1)
        )
        self.beta = nn.Parameter(torch.zeros(width, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        features = torch.addcmul(features, self.spatial(features), self.beta)
        return torch.addcmul(features, self.channelwise(features), self.gamma)


class SimpleGate(nn.Module):
    """One half of the channels times the other (eq. 4)."""

    def forward(self, features: Tensor) -> Tensor:
        first, second = features.chunk(2, 1)
        return first * second


class ChannelAttention(nn.Module):
    """Each channel as strong as the mean of all over the picture says (eq. 6)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        return features * self.mix(features.mean((2, 3), keepdim=True))


class LayerNorm(nn.LayerNorm):
    """Each pixel's channels normalised; where they lie side by side, channels last, nothing is copied."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, input: Tensor) -> Tensor:
        pixels = layer_norm(input.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return pixels.permute(0, 3, 1, 2)


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(count)))


def _enlarging(width: int) -> nn.Sequential:
    """To half as many channels at twice the size."""
    return nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2))
