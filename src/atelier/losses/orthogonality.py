"""Orthogonal regularisation of a generator's weights."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from atelier.losses.generator import Creation, GeneratorTerm


class Orthogonality(GeneratorTerm):
    """The filters of each layer are to point in different directions, however long they are (Brock et al. 2019, eq. 3).

    It makes a generator smooth enough to draw from truncated latents. The sum of all squared inner products of two
    filters, each pair counted twice, over all layers; `weight` is the paper's beta, 1e-4. Of the weights as they are
    learned, before any spectral normalisation.
    """

    def measure(self, creation: Creation) -> Tensor:
        return torch.stack([_overlap(weights) for weights in filters(creation.generator)]).sum()


def filters(network: nn.Module) -> Iterator[Tensor]:
    """Weights (filters, inputs) of every linear and convolutional layer; an embedding's rows are no filters."""
    layers: list[Any] = [each for each in network.modules() if isinstance(each, (nn.Linear, nn.modules.conv._ConvNd))]
    for layer in layers:
        # where it is spectrally normalised, what the weight is made of
        learned = layer.parametrizations.weight.original if is_parametrized(layer, "weight") else layer.weight
        yield (learned.transpose(0, 1) if getattr(layer, "transposed", False) else learned).flatten(1)


def _overlap(weights: Tensor) -> Tensor:
    products = weights @ weights.T
    return products.square().sum() - products.diagonal().square().sum()
