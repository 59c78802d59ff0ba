"""Regularisers of the discriminator. Each maps one `Critique` to a scalar."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Critique:
    """All that one discriminator update knows; a penalty reads what it needs.

    `real` and `fake` are (B, 3, H, W) and carry no graph. The logits (B,) are those the objective saw: under mixed
    precision their graph is a half-precision one, so a penalty that differentiates calls `discriminator` again.
    """

    discriminator: Callable[[Tensor], Tensor]
    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor


class Penalty:
    """A weighted regulariser, applied every `every` steps and scaled up by as much to make up for it.

    (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 3.1: lazy regularisation.)
    """

    per_image: bool = False
    """Whether the penalty is one of each image alone, and so meaningless where images of a batch mix (batch norm)."""

    def __init__(self, weight: float, every: int = 1) -> None:
        if weight < 0:
            raise ValueError(f"weight must be >= 0, got {weight}")
        if every < 1:
            raise ValueError(f"every must be >= 1, got {every}")
        self.weight, self.every = weight, every

    def __call__(self, critique: Critique) -> Tensor:
        return self.weight * self.every * self.measure(critique)

    def measure(self, critique: Critique) -> Tensor:
        raise NotImplementedError


class GradientPenalty(Penalty):
    """Unit gradient norm on straight lines between real and generated images (Gulrajani et al. 2017, eq. 3)."""

    per_image = True

    def measure(self, critique: Critique) -> Tensor:
        position = torch.rand(len(critique.real), 1, 1, 1, device=critique.real.device)
        between = torch.lerp(critique.real.float(), critique.fake.float(), position).requires_grad_()
        slope = gradient(critique.discriminator(between), between).flatten(1).norm(dim=1)
        return (slope - 1).square().mean()


def gradient(logits: Tensor, images: Tensor) -> Tensor:
    """Of each image's logit with respect to that image, itself differentiable; shaped like `images`."""
    return torch.autograd.grad(logits.sum(), images, create_graph=True)[0]
