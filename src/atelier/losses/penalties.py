"""Regularisers of the discriminator. Each maps one `Critique` to a scalar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from atelier.losses.terms import Term


@dataclass(frozen=True)
class Critique:
    """All that one discriminator update knows; a penalty reads what it needs.

    `real` and `fake` are (B, 3, H, W), carry no graph and are not augmented; image i of both has label i. The logits,
    (B,) or (B, P), are those the objective saw: under mixed precision their graph is a half-precision one, so a penalty
    that differentiates calls `judge` again.
    """

    judge: Callable[[Tensor], Tensor]
    """B images, of the labels of this batch, through the augmentation to their logits."""
    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real_features: Any = None
    """What the discriminator's head read of the real images."""
    fake_features: Any = None
    labels: Tensor | None = None
    discriminator: nn.Module | None = None
    """The network itself, for penalties that need one of its parts."""


class Penalty(Term[Critique]):
    """A regulariser of the discriminator."""

    per_image: bool = False
    """Whether the penalty is one of each image alone, and so meaningless where images of a batch mix (batch norm)."""

    def constrain(self, discriminator: nn.Module) -> None:
        """Act on the weights after each of the discriminator's steps. Most have nothing to do here."""


class GradientPenalty(Penalty):
    """Unit gradient norm on straight lines between real and generated images (Gulrajani et al. 2017, eq. 3)."""

    per_image = True

    def measure(self, critique: Critique) -> Tensor:
        position = torch.rand(len(critique.real), 1, 1, 1, device=critique.real.device)
        between = torch.lerp(critique.real.float(), critique.fake.float(), position).requires_grad_()
        slope = gradient(critique.judge(between), between).flatten(1).norm(dim=1)
        return (slope - 1).square().mean()


def gradient(logits: Tensor, images: Tensor) -> Tensor:
    """Of each image's logit with respect to that image, itself differentiable; shaped like `images`."""
    return torch.autograd.grad(logits.sum(), images, create_graph=True)[0]
