"""How a class label reaches a network."""

import torch
from torch import Tensor, nn


class LabelledLatents(nn.Module):
    """Latents (B, latent_dim) with an embedding of each label beside them: (B, width).

    (Mirza & Osindero 2014, section 3.2.) Without classes, the latents alone. The embedding is a parameter rather than a
    layer so that spectral normalisation, which is for weights, leaves labels as strong as latents.
    """

    def __init__(self, latent_dim: int, classes: int | None, label_dim: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(classes, label_dim)) if classes else None
        self.width = latent_dim + (label_dim if classes else 0)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.embedding is None:
            return latents
        return torch.cat([latents, self.embedding[labels]], 1)


class Projection(nn.Module):
    """Features (B, width) to logits (B,): linear, plus the projection on the label's embedding.

    (Miyato & Koyama 2018, eq. 3.) Without classes, linear alone.
    """

    def __init__(self, width: int, classes: int | None) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)
        self.embedding = nn.Embedding(classes, width) if classes else None
        if self.embedding is not None:  # of the linear layer's scale: from N(0, 1) it would drown it
            nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        logits = self.linear(features).squeeze(1)
        return logits if self.embedding is None else logits + (self.embedding(labels) * features).sum(1)
