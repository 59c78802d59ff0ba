"""What the name of a tap says: relu4_1 follows the first convolution of the fourth stage, which is conv4_1."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from torch import Tensor

KINDS = ("relu", "conv")

Activations = Mapping[str, Tensor]
"""What an encoder saw, by tap: (B, C, h, w) each."""


def stage(name: str) -> int:
    """4 of relu4_1. Raises ValueError for what is no tap's name."""
    kind, number = name[:4], name[4:].partition("_")[0]
    if kind not in KINDS or not number.isdecimal():
        raise ValueError(f"a tap must be named like relu4_1, got {name!r}")
    return int(number)


def stride(name: str) -> int:
    """How many times smaller than the picture its activations are: a pooling ends every stage."""
    return int(2 ** (stage(name) - 1))


def reach(names: Iterable[str]) -> dict[str, int]:
    """How many of the picture's pixels deep its border, or a tile's, disturbs each tap, however it is padded.

    `names` are of all ReLUs from the picture on, one per 3×3 convolution; others, as conv4_1, are passed over. Tiles
    must begin and end at multiples of 2 ** (stage - 1) pixels, so that poolings see the same pixels. A decoder that
    mirrors the taps disturbs its picture as deep from the border of the features it is given.
    """
    depth, reached = 0, {}
    for name in names:
        if name.startswith("relu"):
            depth += stride(name)
            reached[name] = depth
    return reached


def margin(widths: Mapping[str, int], taps: Iterable[str]) -> int:
    """How deep a border disturbs the deepest of these taps of an encoder with these widths."""
    reached = reach(widths)
    return max(reached[f"relu{name[4:]}"] for name in taps)


def floats_per_pixel(widths: Mapping[str, int], taps: Iterable[str]) -> float:
    """How many values all ReLUs to the stage of the deepest tap have together, for each pixel of the picture."""
    deepest = max(map(stage, taps))
    return sum(
        width / stride(name) ** 2
        for name, width in widths.items()
        if name.startswith("relu") and stage(name) <= deepest
    )


def picked(walk: Iterator[tuple[str, Tensor]], names: Collection[str], known: Iterable[str]) -> dict[str, Tensor]:
    """The named of the maps that a walk through a network comes by; it goes no further than the last of them.

    Raises ValueError for names that are not among those `known`.
    """
    known, wanted = [*known], {*names}
    if unknown := wanted - {*known}:
        raise ValueError(f"taps must be among {known}, got {sorted(unknown)}")
    found: dict[str, Tensor] = {}
    while len(found) < len(wanted):
        name, activation = next(walk)
        if name in wanted:
            found[name] = activation
        del activation  # or what is pooled next would stay in memory through the layer after
    return found
