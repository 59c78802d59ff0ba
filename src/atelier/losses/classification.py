"""An auxiliary classifier in the discriminator (Odena et al. 2017, "Conditional image synthesis with AC-GANs")."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from atelier.losses.generator import Creation, GeneratorTerm
from atelier.losses.penalties import Critique, Penalty


@runtime_checkable
class Classifier(Protocol):
    """A discriminator that tells classes apart by the features that its logits are read from."""

    def classify(self, features: Any) -> Tensor:
        """Logits (B, classes) of the classes."""


class Classification(Penalty):
    """The discriminator tells the classes of real images, and of generated ones (eq. 3).

    The paper's log-likelihoods are summed over the two sides, each a mean over its images.
    """

    needs = "classify"

    def measure(self, critique: Critique) -> Tensor:
        sides = critique.real_features, critique.fake_features
        real, fake = (misread(critique.discriminator, features, critique.labels) for features in sides)
        return real + fake


class GeneratorClassification(GeneratorTerm):
    """The discriminator is to tell the classes of generated images: what the generator can change of eq. 3."""

    needs = "classify"

    def measure(self, creation: Creation) -> Tensor:
        return misread(creation.discriminator, creation.fake_features, creation.labels)


def misread(discriminator: nn.Module | None, features: Any, labels: Tensor | None) -> Tensor:
    """Cross entropy between the labels (B,) and the classes told from the features of these images."""
    assert isinstance(discriminator, Classifier)  # as `needs` says
    assert labels is not None  # a network that classifies has classes
    return cross_entropy(discriminator.classify(full_precision(features)).float(), labels)


def full_precision(features: Any) -> Any:
    """Features as float32, which under mixed precision they are not, while the terms' networks are."""
    return features.float() if isinstance(features, Tensor) else tuple(part.float() for part in features)
