"""Weights as files hold them."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict, .safetensors or else torch's. Raises ValueError where the file cannot be read."""
    try:
        # torch's own loader runs no code with weights_only
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        return {name: part for name, part in state.items() if isinstance(part, Tensor)}
    except Exception as error:  # each of zip, pickle, safetensors and torch has its own
        reason, _, _ = str(error).partition("\n")
        raise ValueError(f"{path} cannot be read as weights ({reason})") from error
