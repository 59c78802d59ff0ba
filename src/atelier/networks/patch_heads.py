"""What CUT compares patches by: small networks on an encoder's maps (Park et al. 2020, section 3 and appendix B)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from atelier.networks.dcgan import initialize

Places = dict[str, Tensor]
"""Indices into each map's h * w pixels, row by row: int64 (P,)."""


class PatchHeads(nn.Module):
    """For each map two layers of `width` units, H_l of eq. 3; `widths`: the maps' channels."""

    def __init__(self, widths: Mapping[str, int], width: int = 256) -> None:
        super().__init__()
        if not widths:
            raise ValueError("widths must name one map or more, got none")
        if width < 1:
            raise ValueError(f"width must be >= 1, got {width}")
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(channels, width), nn.ReLU(inplace=True), nn.Linear(width, width))
                for name, channels in widths.items()
            }
        )
        self.apply(initialize)

    def forward(self, features: Mapping[str, Tensor], places: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Vectors of length 1, (B, P, width), of maps (B, C, h, w), each at its `places`."""
        return {
            name: _unit(head(features[name].flatten(2)[:, :, places[name]].transpose(1, 2)))
            for name, head in self.heads.items()
        }


def _unit(vectors: Tensor) -> Tensor:
    """The vectors scaled to length 1. Those near 0 stay there, as an untrained head's of black do: their gradient would
    be unbounded."""
    return normalize(vectors.float(), dim=2, eps=1e-7)


def draw_places(features: Mapping[str, Tensor], count: int) -> Places:
    """`count` places of each map, no two the same, or all where it has fewer; the whole batch shares them.

    The same places of another picture's maps are the positives of a patch, the others its negatives.
    """
    if count < 1:
        raise ValueError(f"count must be >= 1, got {count}")
    return {
        name: torch.randperm(part.shape[2] * part.shape[3], device=part.device)[:count]
        for name, part in features.items()
    }
