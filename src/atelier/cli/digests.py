"""Which weights a method works with, whatever their files are called."""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from atelier.encoders import Encoder
from atelier.stylize.method import Method


def digest(method: Method) -> str:
    """SHA-256 of all weights that a method looks or paints with, wherever they come from."""
    found = hashlib.sha256()
    for name, tensor in _weights(method):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _weights(method: Method) -> Iterator[tuple[str, Tensor]]:
    parts = [part for value in vars(method).values() for part in (value if isinstance(value, list) else [value])]
    for number, part in enumerate(part for part in parts if isinstance(part, nn.Module)):
        yield from ((f"{number}.{name}", tensor) for name, tensor in part.state_dict().items())
        for name, module in part.named_modules():
            if isinstance(module, Encoder):  # whose network is no part of the state dict
                yield from ((f"{number}.{name}.{key}", tensor) for key, tensor in module.network.state_dict().items())
