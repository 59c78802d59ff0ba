"""What a discriminator's side tells an adaptive augmentation."""

import pytest
import torch
from torch import nn

from atelier.augment.base import Augment
from atelier.losses.adversarial import Hinge, LeastSquares, NonSaturating, Relativistic, Wasserstein
from atelier.tasks.adversary import Adversary


class Brightness(nn.Module):
    """Brighter is more real."""

    mixes_images = False

    def features(self, images):
        return images

    def logits(self, features, labels):
        return features.mean((1, 2, 3))


class Listener(Augment):
    adaptive = True

    def __init__(self):
        super().__init__()
        self.heard = []

    def observe(self, sureness):
        self.heard += sureness.tolist()


def images(brightness):
    return torch.full((4, 3, 2, 2), brightness)


@pytest.mark.parametrize(
    ("objective", "undecided"),
    [(NonSaturating(), 0.0), (Hinge(), 0.0), (LeastSquares(), 0.5), (Wasserstein(), 7.0), (Relativistic(), -3.0)],
    ids=lambda value: type(value).__name__ if not isinstance(value, float) else None,
)
@pytest.mark.parametrize("lead", [0.25, 0.0, -0.25])
def test_an_adaptive_augmentation_hears_how_far_above_undecided_real_images_are(objective, undecided, lead):
    """The last two objectives mean nothing by a constant that is added to all logits."""
    adversary = Adversary(Brightness(), objective, {}, Listener())
    adversary.loss(images(undecided + lead), images(undecided - lead), labels=None, step=1)
    assert adversary.augment.heard == pytest.approx([lead] * 4)


def test_any_other_is_not_bothered():
    class Deaf(Listener):
        adaptive = False

    adversary = Adversary(Brightness(), Hinge(), {}, Deaf())
    adversary.loss(images(1.0), images(0.0), labels=None, step=1)
    assert adversary.augment.heard == []
