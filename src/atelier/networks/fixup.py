"""Residual blocks that need no normalisation, since they start as the identity (Huang et al. 2024, section 3)."""

from math import gcd

import torch
from torch import Tensor, nn

from atelier.networks.grouped import GroupedConv2d
from atelier.networks.spectral import normalize_spectrally

BLOCKS = 2
"""How many each side of the feature maps has (table 9)."""

SLOPE = 0.2
"""Leaky ReLU's, of what is below 0."""


class ResidualBlock(nn.Module):
    """(B, width, H, W) to the same, plus a 1 x 1, grouped 3 x 3, 1 x 1 inverted bottleneck twice as wide."""

    def __init__(self, width: int, group_size: int) -> None:
        super().__init__()
        if group_size < 1:
            raise ValueError(f"group_size must be >= 1, got {group_size}")
        inner = 2 * width
        groups = inner // gcd(inner, group_size)
        self.layers = nn.Sequential(
            nn.Conv2d(width, inner, 1),
            nn.LeakyReLU(SLOPE, inplace=True),
            GroupedConv2d(inner, inner, 3, padding=1, groups=groups),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(inner, width, 1, bias=False),
        )

    def forward(self, images: Tensor) -> Tensor:
        return images + self.layers(images)


def stage(width: int, group_size: int) -> list[nn.Module]:
    """All residual blocks of one side."""
    return [ResidualBlock(width, group_size) for _ in range(BLOCKS)]


def start(network: nn.Module, spectral_norm: bool) -> None:
    """Fix-up starts a layer at zero, which spectral normalisation would divide by zero; it sets every scale itself."""
    if spectral_norm:
        normalize_spectrally(network)
    else:
        fix_up(network)


def fix_up(network: nn.Module) -> None:
    """Weights at whose start every residual block is the identity (Zhang et al. 2019, "Fixup initialization").

    A block's last layer is zero, its others He et al.'s by L ** -0.25, L the number of blocks; no other of fix-up's
    tricks (Huang et al. 2024, section 3). Layers outside of blocks keep their input's variance.
    """
    blocks = [module for module in network.modules() if isinstance(module, ResidualBlock)]
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in blocks:
        first, second, last = (layer for layer in block.layers if isinstance(layer, nn.Conv2d))
        for layer in (first, second):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            with torch.no_grad():
                layer.weight.mul_(len(blocks) ** -0.25)
        nn.init.zeros_(last.weight)
