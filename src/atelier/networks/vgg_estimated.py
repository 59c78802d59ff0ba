"""VGG-19's activations as its distilled network tells them (Wang et al. 2020, "Collaborative Distillation").

The distillation held 1×1 layers of the slim activations to those of the VGG-19 of AdaIN and WCT. What they say has its
widths, and most channels average about 1, as there. Statistics of so many channels tell a style's large forms, which
those of the slim ones hardly do (docs/style-transfer.md).
"""

from collections.abc import Collection
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from atelier.networks import slim
from atelier.networks.reflection import ReflectedConv2d, Upsampling
from atelier.networks.slim import SlimDecoder, SlimEncoder
from atelier.networks.state import read
from atelier.networks.taps import stage
from atelier.networks.vgg_normalised import WIDTHS, load


class VggEstimated(SlimEncoder):
    """The first tap of each stage estimates VGG-19's; the others, for which there is no layer, are the slim ones."""

    def __init__(self, level: int = 5) -> None:
        super().__init__(level)
        self.estimates = nn.ModuleDict(
            {name: nn.Conv2d(self.widths[name], width, 1) for name, width in widths(level).items() if _estimated(name)}
        )
        self.widths = widths(level)

    @classmethod
    def pretrained(cls, path: Path, level: int = 5) -> Self:
        network = super().pretrained(path, level)
        names = [f"{slim.layer_name(f'{level}SE', name)}_aux" for name in network.estimates]
        load(network.estimates, path, read(path), names)
        return network

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        return {
            name: self.estimates[name](seen).relu_() if name in self.estimates else seen
            for name, seen in super().taps(images, names).items()
        }


@torch.no_grad()
def decoder(path: Path, level: int, upsampling: Upsampling = "nearest") -> SlimDecoder:
    """The distilled decoder of relu{level}_1, to draw what is estimated of it; frozen, channels last.

    Its first convolution has the least squares' inverse of the 1×1 layer before it, in one. So it begins to draw nearly
    as well: what the ReLU took is missing. Raises ValueError as `pretrained` does.
    """
    tap = f"relu{level}_1"
    made, encoder = SlimDecoder.pretrained(path, level, upsampling), VggEstimated.pretrained(path, level)
    kernel, bias = (part.double() for part in made.convolutions[tap].parameters())
    matrix, shift = (part.double() for part in encoder.estimates[tap].parameters())
    inverse = torch.linalg.pinv(matrix.flatten(1))
    state = {
        "weight": torch.einsum("osij,sc->ocij", kernel, inverse),
        "bias": bias - torch.einsum("osij,sc,c->o", kernel, inverse, shift),
    }
    with torch.device("meta"):
        wider = ReflectedConv2d(len(matrix), len(kernel))
    wider.load_state_dict({name: part.float() for name, part in state.items()}, assign=True)
    made.convolutions[tap] = wider.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return made


def widths(level: int) -> dict[str, int]:
    """Channels of the taps up to the first of the stage `level`."""
    return {name: WIDTHS[name] if _estimated(name) else width for name, width in slim.widths(level).items()}


def _estimated(tap: str) -> bool:
    return tap == f"relu{stage(tap)}_1"
