"""Adversarial objectives: what each player minimises, given both sides' logits.

Logits are real numbers, (B,), or (B, P) where P parts of each image are judged; higher always means "more real". Every
term is a mean over the batch, and over the parts.
"""

from typing import ClassVar

from torch import Tensor
from torch.nn.functional import relu, softplus

from atelier import processes


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

    def undecided(self, real: Tensor, fake: Tensor) -> Tensor:
        """The logit, a scalar, of an image that might be of either side: above it are those taken for real."""
        return real.new_zeros(())


class Minimax(Objective):
    """Goodfellow et al. 2014, eq. 1, both players: the generator minimises log(1 - D(G(z))).

    Its gradient vanishes where the discriminator is sure of the fakes; that is what `NonSaturating` is for.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -softplus(fake).mean()


class NonSaturating(Objective):
    """Goodfellow et al. 2014, eq. 1, with the generator's alternative loss of section 3: maximise log D(G(z))."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return cross_entropy(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(-fake).mean()


class LeastSquares(Objective):
    """Mao et al. 2017, eq. 9: targets 1 for real, 0 for fake, and 1 for the generator."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return (fake - 1).square().mean() / 2

    def undecided(self, real: Tensor, fake: Tensor) -> Tensor:
        return real.new_tensor(0.5)


class Wasserstein(Objective):
    """Arjovsky et al. 2017, eq. 2. Needs a Lipschitz constraint: a penalty, weight clipping or spectral norm."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()

    def undecided(self, real: Tensor, fake: Tensor) -> Tensor:
        return midway(real, fake)


class Hinge(Objective):
    """Lim & Ye 2017; Miyato et al. 2018, eq. 16 and 17."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()


class Relativistic(Objective):
    """How much more real than a generated image a real one is, in pairs: RpGAN.

    (Jolicoeur-Martineau 2019, "The relativistic discriminator"; Huang et al. 2024, eq. 2, with the same
    f(t) = -log(1 + exp(-t)).) Image i of one side is the pair of image i of the other. Huang et al. show that it
    need not converge without R1 or R2.
    """

    relativistic = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        assert real is not None
        return softplus(real - fake).mean()

    def undecided(self, real: Tensor, fake: Tensor) -> Tensor:
        return midway(real, fake)


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), the negative of Goodfellow et al. 2014, eq. 1."""
    # -log sigmoid(x) = softplus(-x), without overflow
    return softplus(-real).mean() + softplus(fake).mean()


def midway(real: Tensor, fake: Tensor) -> Tensor:
    """Between the mean logits of both sides: where a constant may be added to all of them, nothing else is."""
    return processes.averaged((real.mean() + fake.mean()) / 2)
