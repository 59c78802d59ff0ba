"""VGG-16 and VGG-19 (Simonyan & Zisserman 2015): what perceptual losses and scores of style transfer look through.

Layout and names of the weights are torchvision's, so that its files load; the poolings are maxima, as it has them, and
not the averages of Gatys et al. 2016. Taps are named as in the papers: relu4_1 follows the first convolution of the
fourth stage.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from atelier.networks.state import read
from atelier.networks.taps import picked
from atelier.networks.winograd import FrozenConv2d

STAGE_WIDTHS = (64, 128, 256, 512, 512)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of colours in [0, 1]."""


def _widths(convolutions: tuple[int, ...]) -> dict[str, int]:
    return {
        f"{kind}{stage}_{number}": width
        for stage, (width, count) in enumerate(zip(STAGE_WIDTHS, convolutions, strict=True), 1)
        for number in range(1, count + 1)
        for kind in ("conv", "relu")
    }


class Encoder(Protocol):
    """A frozen network whose activations have names, as `atelier.encoders` has them."""

    @property
    def widths(self) -> Mapping[str, int]:
        """Channels of each tap."""

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named activations, (B, width, h, w) each, of images (B, 3, H, W) in [-1, 1]."""

    def wrap(self) -> None:
        """From now on look at pictures as if they tiled the plane."""


class _Vgg(nn.Module):
    convolutions: ClassVar[tuple[int, ...]]
    """How many each stage has."""

    def __init__(self) -> None:
        super().__init__()
        self.widths = _widths(self.convolutions)
        self.features = nn.Sequential()
        self.names: list[str] = []
        before = 3
        for stage, (width, count) in enumerate(zip(STAGE_WIDTHS, self.convolutions, strict=True), 1):
            for number in range(1, count + 1):
                self._add(f"conv{stage}_{number}", FrozenConv2d(before, width))
                self._add(f"relu{stage}_{number}", nn.ReLU())  # not in place: the convolution may be a tap too
                before = width
            self._add(f"pool{stage}", nn.MaxPool2d(2))

    @classmethod
    def pretrained(cls, path: Path) -> Self:
        """With weights from a file, frozen, channels last; gradients still reach the images. Raises ValueError.

        The file is a state dict as torchvision's are, .safetensors or else torch's; only `features.*` is read.
        """
        with torch.device("meta"):  # draws no random numbers, which a run would miss
            network = cls()
        load_features(network.features, path)
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named activations of images (B, 3, H, W) in [-1, 1], of 16 pixels or more; (B, widths[name], h, w).

        Nothing beyond the deepest tap asked for is computed.
        """
        return picked(self._walk(images, names), names, self.widths)

    def _walk(self, images: Tensor, names: Collection[str]) -> Iterator[tuple[str, Tensor]]:
        activation = normalised(images)
        for name, layer in zip(self.names, self.features, strict=True):
            rewritten = name.startswith("relu") and f"conv{name[4:]}" not in names  # in place on what is no tap
            activation = activation.relu_() if rewritten else layer(activation)
            yield name, activation

    def _add(self, name: str, layer: nn.Module) -> None:
        self.names.append(name)
        self.features.append(layer)


class Vgg16(_Vgg):
    convolutions = (2, 2, 3, 3, 3)


class Vgg19(_Vgg):
    convolutions = (2, 2, 4, 4, 4)


WIDTHS = _widths(Vgg19.convolutions)
"""Channels of each of VGG-19's taps. Between stages, the first digit, a pool halves the sides."""


def normalised(images: Tensor) -> Tensor:
    """Images in [-1, 1] as networks trained on ImageNet know them."""
    mean, deviation = (images.new_tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (images - (2 * mean - 1)) / (2 * deviation)


def load_features(features: nn.Module, path: Path) -> None:
    """Give the `features` of one of torchvision's networks, on the meta device or not, the weights of a file.

    Raises ValueError where the file cannot be read, or is that of another network.
    """
    weights = {
        name.partition(".")[2]: part.float() for name, part in read(path).items() if name.startswith("features.")
    }
    try:
        features.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{path} holds the weights of another network: features.* do not fit") from error
