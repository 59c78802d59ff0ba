"""Path length regularisation of a generator with styles."""

import math
from typing import Any

import torch
from torch import Tensor

from atelier import processes
from atelier.losses.generator import Creation, GeneratorTerm


class PathLength(GeneratorTerm):
    """A step of fixed length in style is to change the image by a fixed amount (Karras et al. 2020, eq. 4).

    The amount is the lengths' own running mean. It is measured on fresh latents, mixed as in training, and on
    1 / `shrink` of the batch (a half in the authors' code: "minibatch shrink"), as it is the dearest part of a step.
    """

    mean: Tensor

    def __init__(self, weight: float, every: int = 1, decay: float = 0.99, shrink: int = 2) -> None:
        super().__init__(weight, every)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        if shrink < 1:
            raise ValueError(f"shrink must be >= 1, got {shrink}")
        self.decay, self.shrink = decay, shrink
        self.register_buffer("mean", torch.zeros(()))

    def measure(self, creation: Creation) -> Tensor:
        count = math.ceil(len(creation.latents) / self.shrink)
        latents = torch.randn_like(creation.latents[:count], requires_grad=True)
        labels = None if creation.labels is None else creation.labels[:count]
        generator: Any = creation.generator  # one with `training_styles` and `synthesize`
        styles = generator.training_styles(latents, labels)
        lengths = path_lengths(styles, generator.synthesize(styles, labels))
        self.mean.lerp_(processes.averaged(lengths.detach().mean()), 1 - self.decay)
        return (lengths - self.mean).square().mean()


def path_lengths(styles: Tensor, images: Tensor) -> Tensor:
    """How strongly each image depends on its styles (B, L, D): |J^T y| of eq. 4, (B,), for one random image y each.

    y is scaled by 1 / sqrt(H W) and the square averaged over layers: so that a weight of 2 is the weight of appendix B
    at every size, ln 2 / (r^2 (ln r - ln 2)), as a generator of r pixels has 2 log2(r) - 2 layers.
    """
    directions = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
    slopes = torch.autograd.grad((images * directions).sum(), styles, create_graph=True)[0]
    # a norm, whose gradient is 0 at 0: that of a root would be infinite where a picture has lost touch with its styles
    return slopes.flatten(1).norm(dim=1) / math.sqrt(slopes.shape[1])
