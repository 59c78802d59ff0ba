"""Spectral normalisation (Miyato et al. 2018) of a whole network."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


def normalize_spectrally(network: nn.Module) -> None:
    """Divide the weight of every linear, convolutional and embedding layer by its largest singular value.

    One power iteration in each forward pass of training (algorithm 1).
    """
    for module in [*network.modules()]:
        weight = module._parameters.get("weight")
        # on the meta device, where configs are tried, the first iterations take seconds and compute nothing
        if weight is not None and weight.ndim > 1 and not weight.is_meta:
            spectral_norm(module)
