"""VGG-19 distilled to a sixteenth of its weights, and decoders (Wang et al. 2020, "Collaborative Distillation").

Each level from 1 to 5 has an encoder to relu1_1 … relu5_1 of its own weights and a decoder that knows only this one.
The 1×1 layers to VGG-19's own widths that the distillation needed are in `vgg_estimated`.
"""

from pathlib import Path
from typing import Self

import torch

from atelier.networks.decoder import Decoder
from atelier.networks.reflection import Upsampling
from atelier.networks.state import read
from atelier.networks.taps import stage
from atelier.networks.vgg_normalised import WIDTHS, ReflectedEncoder, load, load_encoder

STAGE_WIDTHS = (16, 32, 64, 128, 128)
LEVELS = tuple(range(1, len(STAGE_WIDTHS) + 1))


class SlimEncoder(ReflectedEncoder):
    """Taps are VGG-19's up to the first of the stage `level`. An untrained one takes images as they are."""

    ceil_mode = False

    def __init__(self, level: int = 5) -> None:
        super().__init__(widths(level))

    @classmethod
    def pretrained(cls, path: Path, level: int = 5) -> Self:
        """With the weights of `wct16x_all.safetensors`, frozen, channels last; gradients still reach the images.

        Raises ValueError where the file cannot be read, or is another network's.
        """
        with torch.device("meta"):  # draws no random numbers, which a run would miss
            network = cls(level)
        load_encoder(
            network, path, f"{level}SE.conv0", [layer_name(f"{level}SE", name) for name in network.convolutions]
        )
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


class SlimDecoder(Decoder):
    """Draws the encoder's last tap, relu{level}_1."""

    def __init__(self, level: int, upsampling: Upsampling = "nearest") -> None:
        super().__init__(widths(level), f"relu{level}_1", upsampling)

    def suit(self, features: float, pictures: float) -> None:
        """Those that are read from the file have learned how large their features are."""

    @classmethod
    def pretrained(cls, path: Path, level: int, upsampling: Upsampling = "nearest") -> Self:
        """With the weights of `wct16x_all.safetensors`, frozen, channels last; gradients still reach the features.

        Raises ValueError where the file cannot be read, or is another network's.
        """
        with torch.device("meta"):
            network = cls(level, upsampling)
        load(network.convolutions, path, read(path), [layer_name(f"{level}SD", name) for name in network.convolutions])
        network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        weight, bias = network.convolutions["relu1_1"].parameters()
        weight.mul_(2)  # its colours are in [0, 1]
        bias.mul_(2).sub_(1)
        return network


def widths(level: int) -> dict[str, int]:
    """Channels of the taps up to the first of the stage `level`, the encoder's and the decoder's."""
    if level not in LEVELS:
        raise ValueError(f"level must be in {LEVELS}, got {level}")
    if level == 1:  # where there is a single layer, it is wider
        return {"relu1_1": 24}
    slim = {name: STAGE_WIDTHS[stage(name) - 1] for name in WIDTHS if stage(name) < level}
    return slim | {f"relu{level}_1": STAGE_WIDTHS[level - 1]}


def layer_name(network: str, tap: str) -> str:
    """The file's name of a tap's convolution: 5SE.conv11 of relu1_1."""
    return f"{network}.conv{tap.removeprefix('relu').replace('_', '')}"
