"""Orthogonal regularisation of a generator's weights."""

from collections.abc import Iterator

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
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            # what spectral normalisation makes the weights of
            learned = module.parametrizations["weight"].original if is_parametrized(module, "weight") else module.weight
            assert isinstance(learned, Tensor)
            yield learned.transpose(0, 1).flatten(1) if getattr(module, "transposed", False) else learned.flatten(1)


def _overlap(weights: Tensor) -> Tensor:
    products = weights @ weights.T
    return products.square().sum() - products.diagonal().square().sum()
