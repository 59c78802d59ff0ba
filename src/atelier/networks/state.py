"""Weights as files hold them."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict, without what else is among them. Raises ValueError where there is no state dict."""
    state = content(path)
    if not isinstance(state, dict):
        raise ValueError(f"{path} cannot be read as weights (it holds a {type(state).__name__})")
    return {name: part for name, part in state.items() if isinstance(part, Tensor)}


def content(path: Path) -> Any:
    """What a file holds, .safetensors or else torch's. Raises ValueError where it cannot be read."""
    try:
        # torch's own loader runs no code with weights_only
        return load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # each of zip, pickle, safetensors and torch has its own
        reason, _, _ = str(error).partition("\n")
        raise ValueError(f"{path} cannot be read as weights ({reason})") from error
