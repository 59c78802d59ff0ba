"""The distilled VGG-19 as its authors publish it: a file for each of ten networks (Wang et al. 2020)."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from atelier.networks.slim import LEVELS
from atelier.networks.state import content

FOLDERS = {"E": "wct_se_16x_new", "D": "wct_se_16x_new_sd"}
"""Of encoders and decoders, in `trained_models`."""


def joined(clone: Path) -> dict[str, Tensor]:
    """All weights of a clone of their repository, named as the networks read them from one file.

    Raises ValueError where a file is not there, or cannot be read.
    """
    return {
        f"{level}S{kind}.{name}": tensor.float().contiguous()
        for kind, folder in FOLDERS.items()
        for level in LEVELS
        for name, tensor in _state(clone / "trained_models" / folder / f"{level}S{kind}.pth").items()
    }


def _state(path: Path) -> Mapping[str, Tensor]:
    """Their training saved some as they are, and some as `model` beside the state of an optimiser."""
    if not path.is_file():
        raise ValueError(f"no such file: {str(path)!r}")
    found = content(path)
    state = found.get("model", found) if isinstance(found, dict) else found
    if not isinstance(state, dict) or not all(isinstance(part, Tensor) for part in state.values()):
        raise ValueError(f"{path} cannot be read as weights (it holds no state dict)")
    return state
