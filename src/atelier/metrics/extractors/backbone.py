"""Any of torchvision's classification networks, with a file of weights: the published ones, or one's own."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.pretrained import PretrainedExtractor, normalised
from atelier.metrics.extractors.resizing import Kernel
from atelier.wording import did_you_mean, listed

_FROM_TENSORFLOW = ("googlenet", "inception_v3")
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""Classifiers of those two that only their training has."""

_OLD_NAMES = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""Names in DenseNet's published files, which are older than its code; torchvision too renames them."""


class BackboneExtractor(PretrainedExtractor):
    """What reaches the last linear layer of a network, and the logits that leave it.

    `architecture` is torchvision's name for it, as `resnet50`, and stands before the names of the scores. `weights` is
    a state dict, with any number of classes. Images get the size and the normalisation of torchvision's default
    weights, but are squashed to a square, where torchvision crops.
    """

    size, classes = 0, 0  # until it is loaded

    def __init__(self, architecture: str, weights: str, kernel: Kernel = "antialias") -> None:
        _refuse_unknown(architecture)
        super().__init__(weights, kernel)
        self.name = architecture
        published = models.get_model_weights(architecture)["DEFAULT"].transforms()
        self.side = published.crop_size[0]
        self.mean, self.deviation = published.mean, published.std

    def load(self, device: torch.device) -> None:
        self.network = self.filled().to(memory_format=torch.channels_last).to(device)
        self.head = last_linear(self.network)[1]
        self.size, self.classes = self.head.in_features, self.head.out_features

    def adapted(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.name.startswith("densenet"):
            return {_OLD_NAMES.sub(r"\1\2", name): part for name, part in state.items()}
        if self.name in _FROM_TENSORFLOW:
            return {name: part for name, part in state.items() if not name.startswith(_AUXILIARY)}
        return state

    def blank(self, state: Mapping[str, Tensor]) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # some cannot be built on the meta device, and all draw their weights
            network: nn.Module = models.get_model(self.name, weights=None, **self._options())
        name, head = last_linear(network)
        if (found := state.get(f"{name}.weight")) is not None:
            classes, bias = len(found), head.bias is not None
            network.set_submodule(name, nn.Linear(head.in_features, classes, bias, device="meta"))
        return network

    def extract(self, images: Tensor) -> Features:
        seen: list[Tensor] = []
        with self.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
            logits = self.network(normalised(images, self.mean, self.deviation))
        return Features(seen[0], logits)

    def _options(self) -> dict[str, Any]:
        if self.name in _FROM_TENSORFLOW:
            # their published weights want the colours as TensorFlow normalised them
            return {"transform_input": True, "aux_logits": False, "init_weights": False}
        return {"image_size": self.side} if self.name.startswith("vit_") else {}


def last_linear(network: nn.Module) -> tuple[str, nn.Linear]:
    """The linear layer that comes last, and its name; torchvision's networks end in it, but for SqueezeNet."""
    return [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]


def classifiers() -> list[str]:
    """The names that `architecture` may have."""
    return [name for name in models.list_models(module=models) if not name.startswith("squeezenet")]


def _refuse_unknown(architecture: str) -> None:
    if architecture.startswith("squeezenet"):
        raise ValueError(f"architecture must end in a linear layer, whose input is taken; {architecture} has none")
    if architecture not in classifiers():
        hint = did_you_mean(architecture, classifiers()) or f": {listed(classifiers())}"
        raise ValueError(f"architecture must be a classification network of torchvision, got {architecture!r}{hint}")
