"""The network that makes styles of latents."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from atelier.networks import equalized


class Mapping(nn.Module):
    """Latents (B, width) to styles (B, width).

    Its layers learn a hundredth as fast as others (Karras et al. 2019, appendix C). Labels enter beside the latents,
    embedded and scaled alike (Karras et al. 2020, "Training generative adversarial networks with limited data").
    """

    def __init__(self, width: int, classes: int | None, layers: int) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"mapping_layers must be >= 1, got {layers}")
        self.embedding = nn.Embedding(classes, width) if classes else None
        widths = [2 * width if classes else width, *[width] * layers]
        self.layers = nn.ModuleList(equalized.Linear(before, after, rate=0.01) for before, after in pairwise(widths))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        styles = equalized.unit_variance(latents)
        if self.embedding is not None:
            styles = torch.cat([styles, equalized.unit_variance(self.embedding(labels))], 1)
        for layer in self.layers:
            styles = equalized.activate(layer(styles))
        return styles
