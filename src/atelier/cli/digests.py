"""Which weights pictures are made with, whatever their files are called."""

import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from atelier.encoders import Encoder

DIGEST = "weights_sha256"
"""In the note: by which weights a picture was made, for two files, or two runs, may be of one name."""


def digest(modules: Iterable[nn.Module]) -> str:
    """SHA-256 of all weights in the modules, wherever they come from. Raises ValueError where there are none."""
    weights = [*_weights(modules)]
    if not weights:
        raise ValueError("no weights to tell pictures apart by")
    found = hashlib.sha256()
    for name, tensor in weights:
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _weights(modules: Iterable[nn.Module]) -> Iterator[tuple[str, Tensor]]:
    for number, part in enumerate(modules):
        yield from ((f"{number}.{name}", tensor) for name, tensor in part.state_dict().items())
        for name, module in part.named_modules():
            if isinstance(module, Encoder):  # whose network is no part of the state dict
                yield from ((f"{number}.{name}.{key}", tensor) for key, tensor in module.network.state_dict().items())
