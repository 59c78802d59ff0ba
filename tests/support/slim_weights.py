"""Random weights like those of the distilled VGG-19: its layers, written down a second time."""

import torch

from atelier.networks.slim import LEVELS

NAMES = ["11", "12", "21", "22", "31", "32", "33", "34", "41", "42", "43", "44", "51"]
CHANNELS = [16, 16, 32, 32, 64, 64, 64, 64, 128, 128, 128, 128, 128]
LENGTHS = {1: 1, 2: 3, 3: 5, 4: 9, 5: 13}
ESTIMATED = {"11": 64, "21": 128, "31": 256, "41": 512, "51": 512}
"""VGG-19's own channels, where a 1×1 layer tells its activations."""


def layers(level):
    """Of an encoder: name of each convolution, channels before and after it."""
    after = CHANNELS[: LENGTHS[level]] if level > 1 else [24]
    return list(zip(NAMES, [3, *after], after, strict=False))


def noise(*shape):
    """Pictures or features in [-1, 1], always the same."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def weights():
    """All that the file has, but random."""
    torch.manual_seed(0)
    state = {}

    def add(name, given, wanted, side=3):
        state[f"{name}.weight"] = torch.randn(wanted, given, side, side) * (2 / (given * side**2)) ** 0.5
        state[f"{name}.bias"] = torch.randn(wanted) / 10

    for level in LEVELS:
        add(f"{level}SE.conv0", 3, 3, 1)
        for name, given, wanted in layers(level):
            add(f"{level}SE.conv{name}", given, wanted)
            add(f"{level}SD.conv{name}", wanted, given)
            if name in ESTIMATED:
                add(f"{level}SE.conv{name}_aux", wanted, ESTIMATED[name], 1)
    return state
