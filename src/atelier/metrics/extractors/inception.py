"""Inception-v3 of the FID literature: the network of 2015-12-05, which torch-fidelity ported from TensorFlow."""

import logging
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch_fidelity.feature_extractor_inceptionv3 import (
    BasicConv2d,
    InceptionA,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE_1,
    InceptionE_2,
)

from atelier import weights as published_weights
from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.pretrained import PretrainedExtractor
from atelier.metrics.extractors.resizing import Kernel

log = logging.getLogger(__name__)


class InceptionExtractor(PretrainedExtractor):
    """2048 features after the last pooling, and the 1008 logits without their bias, as IS has always been computed.

    `weights` is the file of torch-fidelity's release; None takes it from the cache, or downloads it there once. A file
    of other content is told of: its scores are not those of the literature.
    """

    name, side, size, classes = "inception", 299, 2048, 1008
    of_the_literature = True
    published = "inception"

    def __init__(self, weights: str | None = None, kernel: Kernel = "tf1") -> None:
        super().__init__(weights, kernel)

    def fetch(self) -> None:
        super().fetch()
        if self.digest != published_weights.published(self.published).sha256:
            log.warning(
                "metrics.weights: %s is not the published Inception-v3: its scores do not compare with the "
                "literature's",
                self.path,
            )

    def load(self, device: torch.device) -> None:
        network = self.filled()
        fold(network)
        self.network = network.to(memory_format=torch.channels_last).to(device)

    def blank(self, state: Mapping[str, Tensor]) -> nn.Module:
        with torch.device("meta"):  # draws nothing, and all of it comes from the file
            return Inception()

    def extract(self, images: Tensor) -> Features:
        return self.network((images - 128) / 128)  # as in TensorFlow's graph: -1 is reached, 1 is not


class Inception(nn.Module):
    """torch-fidelity's blocks in their order, with names as in its file, for images (B, 3, 299, 299) in [-1, 1].

    Its own class would unpickle whatever the file holds, and resizes by its own kernel alone.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, block in _blocks().items():
            self.add_module(name, block)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images: Tensor) -> Features:
        *blocks, _ = self.children()  # all but the classifier
        activation = images
        for block in blocks:
            activation = block(activation)
        pooled = activation.mean((2, 3))
        return Features(pooled, pooled @ self.fc.weight.T)


def _blocks() -> dict[str, nn.Module]:
    return {
        "Conv2d_1a_3x3": BasicConv2d(3, 32, kernel_size=3, stride=2),
        "Conv2d_2a_3x3": BasicConv2d(32, 32, kernel_size=3),
        "Conv2d_2b_3x3": BasicConv2d(32, 64, kernel_size=3, padding=1),
        "MaxPool_1": nn.MaxPool2d(3, stride=2),
        "Conv2d_3b_1x1": BasicConv2d(64, 80, kernel_size=1),
        "Conv2d_4a_3x3": BasicConv2d(80, 192, kernel_size=3),
        "MaxPool_2": nn.MaxPool2d(3, stride=2),
        "Mixed_5b": InceptionA(192, pool_features=32),
        "Mixed_5c": InceptionA(256, pool_features=64),
        "Mixed_5d": InceptionA(288, pool_features=64),
        "Mixed_6a": InceptionB(288),
        "Mixed_6b": InceptionC(768, channels_7x7=128),
        "Mixed_6c": InceptionC(768, channels_7x7=160),
        "Mixed_6d": InceptionC(768, channels_7x7=160),
        "Mixed_6e": InceptionC(768, channels_7x7=192),
        "Mixed_7a": InceptionD(768),
        "Mixed_7b": InceptionE_1(1280),
        "Mixed_7c": InceptionE_2(2048),
    }


class Folded(nn.Module):
    """A convolution, its batch norm and a ReLU, as one pass over the activation less."""

    def __init__(self, block: BasicConv2d) -> None:
        super().__init__()
        self.convolution = fuse_conv_bn_eval(block.conv, block.bn)

    def forward(self, activation: Tensor) -> Tensor:
        return relu(self.convolution(activation), inplace=True)


def fold(network: nn.Module) -> None:
    """Multiply every batch norm into the convolution before it: with fixed statistics both are linear."""
    for name, block in network.named_children():
        if isinstance(block, BasicConv2d):
            setattr(network, name, Folded(block))
        else:
            fold(block)
