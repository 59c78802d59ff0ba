"""What every generator and every discriminator is to the rest of the house."""

from typing import Any

import torch
from torch import Tensor, nn

Features = Tensor | tuple[Tensor, ...]
"""Batch first, each of them."""


class Generator(nn.Module):
    """Latents from N(0, 1), (B, latent_dim), to images (B, 3, S, S) in [-1, 1].

    With `classes`, labels (B,) say of which class each image is to be; without, they are None.
    """

    style_layers: int = 1
    """Into how many layers styles enter separately: 1 where there is nothing to mix."""

    def __init__(self, latent_dim: int, classes: int | None = None) -> None:
        super().__init__()
        refuse_bad_classes(classes)
        if latent_dim < 1:
            raise ValueError(f"latent_dim must be >= 1, got {latent_dim}")
        self.latent_dim, self.classes = latent_dim, classes

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        raise NotImplementedError

    def styles(self, latents: Tensor, labels: Tensor | None = None, truncation: float | None = None) -> Tensor:
        """What `synthesize` draws from and pictures may exchange, (B, style_layers, D): here the latents themselves.

        `truncation` trades variety for quality: here it is the largest absolute value of a latent (Brock et al. 2019,
        section 3.1).
        """
        return truncate(latents, truncation)[:, None]

    def training_styles(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Those that training draws its images from, for whoever wants to differentiate by them."""
        return self.styles(latents, labels)

    def synthesize(self, styles: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images of `styles`; of the same labels that the styles were made with."""
        return self(styles[:, 0], labels)


class Discriminator(nn.Module):
    """Images (B, 3, S, S) to logits, (B,), or (B, P) where P parts of each image are judged: higher is more real.

    `features` are what the network's `head` reads, together with the labels, and what auxiliary terms read as well.
    """

    head: nn.Module

    inputs: int = 3
    """Channels of what is judged: 6 where it is pictures behind those that they were made of."""

    least: int = 1
    """Pixels a side without which there is nothing to judge."""

    mixes_images: bool = False
    """Whether in training one image's logit depends on the others of its batch."""

    def __init__(self, classes: int | None = None) -> None:
        super().__init__()
        refuse_bad_classes(classes)
        self.classes = classes

    def features(self, images: Tensor) -> Any:
        """`Features` of the images."""
        raise NotImplementedError

    def logits(self, features: Any, labels: Tensor | None = None) -> Tensor:
        return self.head(features, labels)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.logits(self.features(images), labels)


def truncate(latents: Tensor, threshold: float | None) -> Tensor:
    """Standard normal latents to the normal distribution cut off at ± threshold, the order of values kept.

    Brock et al. 2019 (section 3.1) draw again what lies beyond; this has the same distribution, and one latent stays
    the same picture, more or less daring.
    """
    if threshold is None:
        return latents
    if not threshold > 0:  # not a number is neither
        raise ValueError(f"truncation must be > 0, got {threshold}")
    tail = torch.special.ndtr(torch.tensor(-threshold, dtype=torch.float64))
    share = torch.special.ndtr(latents.double())
    return torch.special.ndtri(tail + (1 - 2 * tail) * share).to(latents.dtype)


def refuse_bad_classes(classes: int | None) -> None:
    if classes is not None and classes < 1:
        raise ValueError(f"classes must be >= 1 or null, got {classes}")


def required(classes: int | None) -> int:
    """Raises ValueError where a model that draws classes is given none."""
    if classes is None:
        raise ValueError("classes must be >= 1: a conditional model needs labels, set data.label")
    return classes
