"""The networks that style transfer looks through, chosen by name: `encoder=vgg19`, `vgg19_estimated`, `embedded`.

They are frozen, and their weights stay in their own files: no checkpoint has them, no optimiser sees them.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from atelier import weights
from atelier.errors import UserError
from atelier.networks import embedded as of_embedded
from atelier.networks import slim as of_slim
from atelier.networks import vgg as of_vgg
from atelier.networks import vgg_estimated as of_estimated
from atelier.networks import vgg_normalised as of_normalised
from atelier.networks.padding import make_seamless
from atelier.networks.reflection import Upsampling
from atelier.networks.taps import stage
from atelier.weights.file import WeightsFile

SLIM_FILE = weights.published("vgg19_slim").file
"""The distilled encoders and decoders of all levels (Wang et al. 2020), as the weights' folder would hold it."""


class Encoder(nn.Module):
    """A network that is read from its file when it is first looked through; `fetch` says before whether it can be.

    `widths` are the channels of each tap.
    """

    _place: Tensor

    def __init__(
        self,
        name: str,
        widths: Mapping[str, int],
        read: Callable[[], nn.Module],
        fetch: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self.name, self.widths = name, widths
        self._read, self._fetch = read, fetch
        self._network: list[nn.Module] = []  # in a list, and so no part of the state dict
        self._seamless = False
        self.register_buffer("_place", torch.empty(0), persistent=False)  # knows where the task is

    def fetch(self) -> None:
        """See that the weights are on disk, downloading them if need be. Raises UserError where they cannot be had."""
        self._fetch()

    def wrap(self) -> None:
        """Look at pictures as if they tiled the plane."""
        self._seamless = True

    def taps(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named activations (B, width, h, w) of images (B, 3, H, W) in [-1, 1]; gradients reach the images."""
        return self.network.taps(images, names)

    @property
    def network(self) -> Any:
        if not self._network:
            self._network.append(self._load())
        return self._network[0]

    def _load(self) -> nn.Module:
        self.fetch()
        try:
            network = self._read()
        except ValueError as error:
            raise UserError(str(error)) from error
        if self._seamless:
            make_seamless(network)
        return network.to(self._place.device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Encoder":
        for network in self._network:
            network._apply(fn, recurse)
        return super()._apply(fn, recurse)


def embedded() -> Encoder:
    """The package's own small network, without a download (docs/embedded.md)."""
    return Encoder("embedded", of_embedded.WIDTHS, of_embedded.Embedded.pretrained)


def vgg19(weights: str | None = None) -> Encoder:
    """Torchvision's VGG-19: its file, or None for that of the weights' folder or a download."""
    file = WeightsFile(weights, "vgg19")
    return Encoder("vgg19", of_vgg.WIDTHS, lambda: of_vgg.Vgg19.pretrained(file.path), file.fetch)


def vgg19_normalised(weights: str) -> Encoder:
    """VGG-19 rescaled so that activations are 1 in the mean, as AdaIN and WCT were published with."""
    file = WeightsFile(weights, None)
    return Encoder("vgg19_normalised", of_vgg.WIDTHS, lambda: of_normalised.VggNormalised.pretrained(file.path))


def vgg19_slim(weights: str | None = None, level: int = 5) -> Encoder:
    """VGG-19 distilled to a sixteenth of its weights (Wang et al. 2020): the encoder to relu5_1, or a lower level's."""
    return _distilled(
        "vgg19_slim", of_slim.widths(level), lambda path: of_slim.SlimEncoder.pretrained(path, level), weights
    )


def vgg19_estimated(weights: str | None = None, level: int = 5) -> Encoder:
    """What vgg19_slim's network says of VGG-19's own activations, at the first tap of each stage."""
    return _distilled(
        "vgg19_estimated",
        of_estimated.widths(level),
        lambda path: of_estimated.VggEstimated.pretrained(path, level),
        weights,
    )


def slim_decoder(
    widths: Mapping[str, int], deepest: str, weights: str | None = None, upsampling: Upsampling = "nearest"
) -> nn.Module:
    """The distilled file's decoder from the tap `deepest`, to be trained further with an encoder of its level.

    `widths` are those of the taps of vgg19_slim of its level, or of vgg19_estimated of that or a higher one, whose
    estimates are of the same. Raises ValueError where they are another encoder's, and for a tap that is not the first
    of its stage; UserError where there is no file.
    """
    level, path = stage(deepest), slim_path(weights)
    if deepest != f"relu{level}_1":
        raise ValueError(f"deepest must be the first tap of a stage, as relu4_1, got {deepest!r}")
    estimated = any(widths == of_estimated.widths(higher) for higher in of_slim.LEVELS if higher >= level)
    if not estimated and widths != of_slim.widths(level):
        raise ValueError(
            f"decoder must have encoder=vgg19_slim with encoder.level={level} before it, "
            f"or vgg19_estimated with {level} or more; got other widths"
        )
    _refuse_absent(path)
    make = of_estimated.decoder if estimated else of_slim.SlimDecoder.pretrained
    return make(path, level, upsampling).requires_grad_(True).train()


def slim_path(own: str | None) -> Path:
    """The path of one's own file, or of the weights' folder's. Raises ValueError where one's own is absent."""
    if own is not None:
        return WeightsFile(own, None).path
    return weights.path_of("vgg19_slim")


def _distilled(name: str, widths: Mapping[str, int], read: Callable[[Path], nn.Module], weights: str | None) -> Encoder:
    path = slim_path(weights)
    return Encoder(name, widths, lambda: read(path), lambda: _refuse_absent(path))


def _refuse_absent(path: Path) -> None:
    file = weights.published("vgg19_slim")
    if not path.is_file():
        raise UserError(
            f"encoder: no weights at {path}: {file.way} there; or name it by encoder.weights; {file.instead}"
        )
