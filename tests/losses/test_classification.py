import math

import pytest
import torch
from torch import nn

from atelier.losses.classification import Classification, GeneratorClassification
from atelier.losses.generator import Creation
from atelier.losses.penalties import Critique

CLASSES = 3


class Classifying(nn.Module):
    """The features are the classes' logits, `sureness` times."""

    def __init__(self, sureness=1.0):
        super().__init__()
        self.sureness = nn.Parameter(torch.tensor(sureness))

    def classify(self, features):
        return self.sureness * features


def critique_of(discriminator, real, fake, labels):
    nothing = torch.empty(0)
    return Critique(nn.Identity(), nothing, nothing, nothing, nothing, real, fake, labels, discriminator)


def creation_of(discriminator, fake, labels):
    nothing = torch.empty(0)
    return Creation(nn.Identity(), discriminator, nothing, labels, nothing, nothing, fake)


@pytest.fixture
def sides():
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 6, CLASSES, generator=generator)
    return real, fake, torch.arange(6) % CLASSES


def log_likelihood(logits, labels):
    """E log P(C = c | X), written out."""
    shares = logits.exp() / logits.exp().sum(1, keepdim=True)
    return torch.stack([share[label].log() for share, label in zip(shares, labels, strict=True)]).mean()


def test_is_the_papers_log_likelihood_of_both_sides(sides):
    """Odena et al. 2017, eq. 3."""
    real, fake, labels = sides
    found = Classification(1.0)(critique_of(Classifying(), real, fake, labels), update=1)
    torch.testing.assert_close(found, -(log_likelihood(real, labels) + log_likelihood(fake, labels)))


def test_the_generators_is_that_of_generated_images(sides):
    _, fake, labels = sides
    found = GeneratorClassification(2.0)(creation_of(Classifying(), fake, labels), update=1)
    torch.testing.assert_close(found, -2 * log_likelihood(fake, labels))


def test_vanishes_where_all_classes_are_told_and_is_log_classes_where_none_is():
    labels = torch.arange(6) % CLASSES
    known = nn.functional.one_hot(labels, CLASSES).float()
    for sureness, expected in ((100.0, 0.0), (0.0, math.log(CLASSES))):
        discriminator = Classifying(sureness)
        both = Classification(1.0)(critique_of(discriminator, known, known, labels), update=1)
        generators = GeneratorClassification(1.0)(creation_of(discriminator, known, labels), update=1)
        torch.testing.assert_close(both.item(), 2 * expected)
        torch.testing.assert_close(generators.item(), expected)


def test_reaches_the_classifier_and_through_it_the_features(sides):
    real, fake, labels = sides
    discriminator, fake = Classifying(), fake.requires_grad_()
    Classification(1.0)(critique_of(discriminator, real, fake, labels), update=1).backward()
    assert discriminator.sureness.grad != 0
    fake.grad = None
    GeneratorClassification(1.0)(creation_of(discriminator, fake, labels), update=1).backward()
    own = fake.grad.gather(1, labels[:, None])
    assert (own < 0).all()  # more of the class that is asked for, less of the others
    torch.testing.assert_close(fake.grad.sum(1), torch.zeros(6))


def test_classifies_half_precision_features_in_full_precision(sides):
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.classify = nn.Linear(CLASSES, CLASSES)

    real, fake, labels = sides
    critique = critique_of(Linear(), real.bfloat16(), fake.bfloat16(), labels)
    assert Classification(1.0)(critique, update=1).dtype == torch.float32
