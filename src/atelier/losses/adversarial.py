"""Adversarial objectives: what each player minimises, given both sides' logits.

A logit is a real number per image, (B,); higher always means "more real". Every term is a mean over the batch.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn.functional import relu, softplus


class Objective:
    """Both players see both sides, so that an objective may compare them."""

    relativistic: ClassVar[bool] = False
    """Whether `generator` reads the real logits; where it does not, nobody computes them."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar that falls as real logits rise and fake logits fall."""
        raise NotImplementedError

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Scalar that falls as fake logits rise. `real` is None unless `relativistic`."""
        raise NotImplementedError


class NonSaturating(Objective):
    """Goodfellow et al. 2014, eq. 1, with the generator's alternative loss of section 3: maximise log D(G(z))."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        # -log sigmoid(x) = softplus(-x), without overflow
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(-fake).mean()


class LeastSquares(Objective):
    """Mao et al. 2017, eq. 9: targets 1 for real, 0 for fake, and 1 for the generator."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return (fake - 1).square().mean() / 2


class Wasserstein(Objective):
    """Arjovsky et al. 2017, eq. 2. Needs a Lipschitz constraint: a penalty, weight clipping or spectral norm."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()


class Hinge(Objective):
    """Lim & Ye 2017, eq. 4; Miyato et al. 2018, eq. 16 and 17."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()
