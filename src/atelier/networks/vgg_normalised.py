"""The VGG-19 of AdaIN (Huang & Belongie 2017) and WCT (Li et al. 2017): reflected at its borders, and normalised.

Its weights are rescaled so that every channel's activation averages 1 over images and places, which a network of ReLUs
allows without a change to what it tells (Gatys et al. 2016, section 2).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from atelier.networks import vgg
from atelier.networks.reflection import ReflectedConv2d
from atelier.networks.state import read
from atelier.networks.taps import picked, reach, stage

WIDTHS = {name: width for name, width in vgg.WIDTHS.items() if name.startswith("relu")}
LAYERS = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51)
"""The 3×3 convolutions of the public `vgg_normalised.pth`, a Sequential. Layer 0 prepares the colours."""


class ReflectedEncoder(nn.Module):
    """3×3 convolutions, each within its reflection and before a ReLU; between stages 2×2 maxima are taken."""

    ceil_mode: ClassVar[bool]
    """Whether poolings keep an odd side's last pixel."""

    def __init__(self, widths: Mapping[str, int]) -> None:
        super().__init__()
        self.widths: Mapping[str, int] = dict(widths)
        self.reach = reach(widths)
        """How many pixels deep a border disturbs each tap; `taps.reach` says more."""
        before = [3, *widths.values()]
        self.convolutions = nn.ModuleDict(
            {name: ReflectedConv2d(*pair) for name, *pair in zip(widths, before, widths.values(), strict=False)}
        )

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named activations of images (B, 3, H, W) in [-1, 1]: (B, widths[name], h, w), at least 0.

        Nothing beyond the deepest tap asked for is computed.
        """
        return picked(self._walk(images), names, self.widths)

    def _walk(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        activation, at = images, 1
        for name, convolution in self.convolutions.items():
            if stage(name) > at:
                activation, at = max_pool2d(activation, 2, ceil_mode=self.ceil_mode), stage(name)
            activation = convolution(activation).relu_()  # in place on what is no tap yet, and needed no more
            yield name, activation


class VggNormalised(ReflectedEncoder):
    """Up to relu5_4. An untrained one takes images as they are; `pretrained` prepares their colours."""

    ceil_mode = True

    def __init__(self) -> None:
        super().__init__(WIDTHS)

    @classmethod
    def pretrained(cls, path: Path) -> Self:
        """With the weights of `vgg_normalised.pth` or a .safetensors like it, frozen, channels last.

        Gradients still reach the images. Raises ValueError where the file cannot be read, or is another network's.
        """
        with torch.device("meta"):  # draws no random numbers, which a run would miss
            network = cls()
        load_encoder(network, path, "0", map(str, LAYERS))
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def load_encoder(network: ReflectedEncoder, path: Path, colours: str, layers: Iterable[str]) -> None:
    """Give an encoder, on the meta device or not, weights of a file: of `layers`, after the 1×1 layer `colours`.

    That one turns RGB in [0, 1] into what the first 3×3 convolution is for. It and the range become part of that
    convolution: it has no zeros around it, so they are the same.
    """
    state, layers = read(path), list(layers)
    try:
        first, matrix = state[f"{layers[0]}.weight"].double(), state[f"{colours}.weight"].double().squeeze((2, 3))
        offset = state[f"{colours}.bias"].double() + matrix.sum(1) / 2  # images in [-1, 1] are halved, plus 1/2
        bias = state[f"{layers[0]}.bias"] + torch.einsum("ocij,c->o", first, offset)
        weight = torch.einsum("ocij,cd->odij", first, matrix) / 2
    except (KeyError, RuntimeError) as error:
        raise _foreign(path, [colours, layers[0]]) from error
    load(network.convolutions, path, state | {f"{layers[0]}.weight": weight, f"{layers[0]}.bias": bias}, layers)


def load(convolutions: nn.ModuleDict, path: Path, state: Mapping[str, Tensor], layers: Collection[str]) -> None:
    """Give the convolutions, in their order, the weights that `state`, read from a file, has for the named layers."""
    try:
        weights = {
            f"{name}.{part}": state[f"{layer}.{part}"].float().contiguous()
            for name, layer in zip(convolutions, layers, strict=True)
            for part in ("weight", "bias")
        }
        convolutions.load_state_dict(weights, assign=True)
    except (KeyError, RuntimeError) as error:
        raise _foreign(path, layers) from error


def _foreign(path: Path, layers: Collection[str]) -> ValueError:
    return ValueError(f"{path} holds the weights of another network: {', '.join(layers)} do not fit")
