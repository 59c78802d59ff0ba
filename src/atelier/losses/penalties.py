"""Regularisers of the discriminator. Each maps one `Critique` to a scalar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from atelier import processes
from atelier.losses.terms import Term


@dataclass(frozen=True)
class Critique:
    """All that one discriminator update knows; a penalty reads what it needs.

    `real` and `fake` are (B, 3, H, W) and not augmented, or (B, 6, H, W) where the discriminator sees each image behind
    its source; gradients are then of all six channels. Image i of both has label i. The logits, (B,) or (B, P), are
    those the objective saw. Where images require a gradient, their logits can be differentiated at them; elsewhere, and
    always under mixed precision, where the logits' graph is a half-precision one, a penalty has to call `judge` again.
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

    at_images: ClassVar[bool] = False
    """Whether it differentiates the logits at the very images of the batch."""

    def constrain(self, discriminator: nn.Module) -> None:
        """Act on the weights after each of the discriminator's steps. Most have nothing to do here."""


class GradientPenalty(Penalty):
    """Unit gradient norm on straight lines between real and generated images (Gulrajani et al. 2017, eq. 3)."""

    per_image = True

    def measure(self, critique: Critique) -> Tensor:
        position = torch.rand(len(critique.real), 1, 1, 1, device=critique.real.device)
        between = torch.lerp(critique.real.float(), critique.fake.float(), position)
        return (slopes(critique, between).norm(dim=1) - 1).square().mean()


class Dragan(Penalty):
    """Unit gradient norm around real images (Kodali et al. 2017, DRAGAN, with k = 1).

    The paper adds noise from N(0, cI), where c depends on the units of a pixel; here the noise's standard deviation is
    `spread` times that of the batch's pixels. The authors' implementation draws uniform noise of about that scale.
    """

    per_image = True

    def __init__(self, weight: float, every: int = 1, spread: float = 0.5) -> None:
        super().__init__(weight, every)
        if spread < 0:
            raise ValueError(f"spread must be >= 0, got {spread}")
        self.spread = spread

    def measure(self, critique: Critique) -> Tensor:
        real = critique.real.float()
        around = real + self.spread * real.std() * torch.randn_like(real)
        return (slopes(critique, around).norm(dim=1) - 1).square().mean()


class R1(Penalty):
    """Zero gradient on real images (Mescheder et al. 2018, eq. 9).

    Half of the squared norm, so that `weight` is the paper's gamma.
    """

    per_image = at_images = True

    def measure(self, critique: Critique) -> Tensor:
        return _steepness(critique, critique.real, critique.real_logits)


class R2(Penalty):
    """Zero gradient on generated images: half of the squared norm, as R1 (Mescheder et al. 2018, eq. 10)."""

    per_image = at_images = True

    def measure(self, critique: Critique) -> Tensor:
        return _steepness(critique, critique.fake, critique.fake_logits)


class WeightClipping(Penalty):
    """Every learned weight in [-limit, limit] after every step (Arjovsky et al. 2017, algorithm 1).

    Never due: it is no term of the loss. Under spectral norm learned weights are those before they are divided, so that
    nothing bounds what is used but the norm.
    """

    def __init__(self, limit: float = 0.01) -> None:
        super().__init__(weight=0.0)
        if limit <= 0:
            raise ValueError(f"limit must be > 0, got {limit}")
        self.limit = limit

    def due(self, update: int) -> bool:
        return False

    @torch.no_grad()
    def constrain(self, discriminator: nn.Module) -> None:
        for weights in discriminator.parameters():
            weights.clamp_(-self.limit, self.limit)


class LeCam(Penalty):
    """Real logits near where the generated ones have been of late, and generated near where the real ones have been.

    (Tseng et al. 2021, "Regularizing generative adversarial networks under limited data".) The anchors, exponential
    moving averages, start at 0, where an untrained discriminator's logits are.
    """

    real_anchor: Tensor
    fake_anchor: Tensor

    def __init__(self, weight: float, every: int = 1, decay: float = 0.99) -> None:
        super().__init__(weight, every)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.decay = decay
        self.register_buffer("real_anchor", torch.zeros(()))
        self.register_buffer("fake_anchor", torch.zeros(()))

    def measure(self, critique: Critique) -> Tensor:
        means = torch.stack([critique.real_logits.detach().mean(), critique.fake_logits.detach().mean()])
        for anchor, mean in zip((self.real_anchor, self.fake_anchor), processes.averaged(means), strict=True):
            anchor.lerp_(mean, 1 - self.decay)
        above = (critique.real_logits - self.fake_anchor).square().mean()
        below = (critique.fake_logits - self.real_anchor).square().mean()
        return above + below


class Consistency(Penalty):
    """The same logit for an image and for the image changed by `augment`, real or generated.

    (Zhao et al. 2020, "Improved consistency regularization for GANs", algorithm 1: balanced, bCR, with one weight for
    both sides.) `augment` maps images to images, and comes on top of the augmentation that the judge stands behind.
    """

    def __init__(self, weight: float, augment: nn.Module, every: int = 1) -> None:
        super().__init__(weight, every)
        self.augment = augment

    def measure(self, critique: Critique) -> Tensor:
        sides = (critique.real, critique.real_logits), (critique.fake, critique.fake_logits)
        changes = [critique.judge(self.augment(images)) - logits for images, logits in sides]
        return torch.stack([change.square().mean() for change in changes]).sum()


def slopes(critique: Critique, images: Tensor) -> Tensor:
    """Gradients of the logits of `images` where they are, (B, C * H * W)."""
    images = images.detach().float().requires_grad_()
    return gradient(critique.judge(images), images).flatten(1)


def _steepness(critique: Critique, images: Tensor, logits: Tensor) -> Tensor:
    """Half the squared norm of the slopes at images of the batch, whose logits serve where they can: a pass less."""
    own = gradient(logits, images).flatten(1) if images.requires_grad else slopes(critique, images)
    return own.square().sum(1).mean() / 2


def gradient(logits: Tensor, images: Tensor) -> Tensor:
    """The gradient of each image's logit by that image, itself differentiable; shaped like `images`.

    Where parts of an image are judged, (B, P), its logit is their mean, as it is in the objective: so a penalty means
    the same however many the parts are.
    """
    each = logits.reshape(len(logits), -1).mean(1)
    return torch.autograd.grad(each.sum(), images, create_graph=True)[0]
