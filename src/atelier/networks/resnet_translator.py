"""The generator of CycleGAN (Zhu et al. 2017, appendix 7.2), after Johnson et al. 2016; CUT's, too (Park et al. 2020).

As in the appendix c7s1-64, d128, d256, R256 for each block, u128, u64, c7s1-3, but for two layers: the paper's u are
fractionally strided convolutions, which draw checkerboards (Odena et al. 2016), and here nearest neighbours are
convolved; and its d are padded with zeros in the published code, where here every layer reflects.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.functional import group_norm

from atelier.networks.dcgan import initialize
from atelier.networks.padding import Conv2d
from atelier.networks.reflection import ReflectedConv2d, UpsampleConv2d
from atelier.networks.to_pixels import ToPixels
from atelier.networks.translator import Translator


class ResNetTranslator(Translator):
    """By tanh in [-1, 1]; sides are multiples of 4 from 8 on.

    `width`: channels at full size; the smallest map has four times as many, and `blocks` residual blocks: 6 for
    pictures of 128 pixels, 9 from 256 on, in the paper. Maps are named as CUT's appendix counts them: pixels, the
    down-sampling convolutions down1 and down2, before their norm, and the residual blocks block1, block2, ….
    """

    def __init__(self, width: int = 64, blocks: int = 9, masked: bool = False) -> None:
        super().__init__(masked, multiple=4, least=8)  # a map of one pixel has no reflection
        for name, value in (("width", width), ("blocks", blocks)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")
        enter = Conv2d(self.inputs, width, 7, padding=3, padding_mode="reflect")
        self.encoder = nn.Sequential(
            OrderedDict(
                enter=nn.Sequential(*_normalised(enter)),
                down1=_without_bias(_halving(width, 2 * width)),
                between=nn.Sequential(_InstanceNorm(), nn.ReLU(inplace=True)),
                down2=_without_bias(_halving(2 * width, 4 * width)),
                behind=nn.Sequential(_InstanceNorm(), nn.ReLU(inplace=True)),
                **{f"block{number}": _Residual(4 * width) for number in range(1, blocks + 1)},
            )
        )
        self.decoder = nn.Sequential(
            *_normalised(UpsampleConv2d(4 * width, 2 * width)),
            *_normalised(UpsampleConv2d(2 * width, width)),
            ToPixels(width, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        self.widths = {"pixels": self.inputs, "down1": 2 * width, "down2": 4 * width}
        self.widths |= {f"block{number}": 4 * width for number in range(1, blocks + 1)}
        self.apply(initialize)

    def forward(self, pictures: Tensor) -> Tensor:
        self.refuse_misfits(pictures)
        return self.decoder(self.encoder(pictures))


class _Residual(nn.Module):
    """Without a ReLU after the sum, as Johnson et al. have it (after Gross & Wilber 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = _without_bias(ReflectedConv2d(width, width))
        self.layers = nn.Sequential(*_normalised(ReflectedConv2d(width, width)), last, _InstanceNorm())

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


class _InstanceNorm(nn.Module):
    """Each channel of each picture normalised, and no more: whether gains are learnt the paper leaves open, and the
    published code has none."""

    def forward(self, features: Tensor) -> Tensor:
        if not features.is_contiguous():
            # the kernel for what is channels last is exact about a mean of none alone; see `instance_norm`
            features = features - features.mean((2, 3), keepdim=True)
        # torch's instance norm is a batch norm of B * C channels, half as fast
        return group_norm(features, features.shape[1])


def _normalised(convolution: nn.Conv2d) -> list[nn.Module]:
    return [_without_bias(convolution), _InstanceNorm(), nn.ReLU(inplace=True)]


def _without_bias(convolution: nn.Conv2d) -> nn.Conv2d:
    """The norm that follows would take it away again."""
    convolution.register_parameter("bias", None)
    return convolution


def _halving(before: int, after: int) -> nn.Conv2d:
    return Conv2d(before, after, 3, 2, padding=1, padding_mode="reflect")
