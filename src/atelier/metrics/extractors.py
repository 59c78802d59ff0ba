"""Networks that turn images into what scores are made of: features, and logits over classes."""

import hashlib
import socket
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import NoTrainInceptionV3

from atelier.errors import UserError
from atelier.files import cache_root
from atelier.networks.embedded import WEIGHTS, Embedded

INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
INCEPTION_ADDRESS = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION_FILE}"
INCEPTION_SHA256_PREFIX = "6726825d"  # the part that the file's name promises


class Features(NamedTuple):
    pooled: Tensor
    """float32 (B, D)"""
    logits: Tensor
    """float32 (B, classes)"""


class Extractor(Protocol):
    name: str
    resize: str
    """How images reach the network's own size: part of a score's protocol."""

    def fetch(self) -> None:
        """See that the weights are on disk, downloading them if need be. Raises UserError where they cannot be had."""
        ...

    def load(self, device: torch.device) -> None:
        """Build the network from its weights on disk."""
        ...

    def __call__(self, images: Tensor) -> Features:
        """Features of uint8 images (B, 3, H, W)."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the weights' file."""
        ...


class EmbeddedExtractor:
    """The package's own small network. Its features are not Inception's, and its scores have names of their own."""

    name = "embedded"
    resize = "antialiased bilinear"

    def fetch(self) -> None:
        """They come with the package."""

    def load(self, device: torch.device) -> None:
        self.network = Embedded.pretrained().to(device)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        features = self.network(images.float() / 127.5 - 1)
        return Features(features.pooled, features.logits)

    @cached_property
    def digest(self) -> str:
        return sha256(Path(WEIGHTS))


class InceptionExtractor:
    """Inception-v3 as ported by torch-fidelity: 2048 features after pooling, and logits without bias for the IS.

    `weights` is the file of torch-fidelity's release; None takes it from the cache, or downloads it there once.
    """

    name = "inception-v3"
    resize = "antialiased bilinear"  # torchmetrics' default since 1.8

    def __init__(self, weights: str | None) -> None:
        if weights is not None and not Path(weights).is_file():
            raise ValueError(f"weights: no such file: {weights!r}")
        self.path = Path(weights) if weights is not None else cache_root() / "weights" / INCEPTION_FILE

    def fetch(self) -> None:
        if not self.path.is_file():
            self._download()
        self._refuse_unreadable()

    def load(self, device: torch.device) -> None:
        network = NoTrainInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], str(self.path))
        self.network: nn.Module = network.to(device)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        # `forward` of torchmetrics' subclass returns the first of the features only
        return Features(*self.network._torch_fidelity_forward(images))  # type: ignore[operator]

    @cached_property
    def digest(self) -> str:
        return sha256(self.path)

    def _download(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        patience = socket.getdefaulttimeout()
        socket.setdefaulttimeout(30)  # torch sets none, and a silent server would hang the run
        try:
            torch.hub.download_url_to_file(INCEPTION_ADDRESS, str(self.path), INCEPTION_SHA256_PREFIX)
        except (OSError, RuntimeError) as error:  # no network; a wrong checksum
            raise UserError(
                f"metrics.weights: Inception's weights cannot be downloaded ({error}); get {INCEPTION_ADDRESS} and "
                f"give metrics.weights=PATH, or put it at {self.path}; metrics=embedded needs no download"
            ) from error
        finally:
            socket.setdefaulttimeout(patience)

    def _refuse_unreadable(self) -> None:
        """torch-fidelity unpickles whatever it is given, so look first whether the file is tensors alone."""
        try:
            names = torch.load(self.path, map_location="meta", weights_only=True).keys()
        except Exception as error:  # each of zip, pickle and torch has its own
            raise UserError(f"metrics.weights: {self.path} cannot be read as weights ({error})") from error
        if "Mixed_7c.branch_pool.conv.weight" not in names:
            raise UserError(f"metrics.weights: {self.path} holds no weights of torch-fidelity's Inception-v3")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
