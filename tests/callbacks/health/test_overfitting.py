import pytest
import torch

from atelier.callbacks.health.overfitting import overfitting


@pytest.fixture
def remembers(points):
    """5 for training pictures, 0 for all others."""
    return lambda images: 5.0 * (images[:, None] == points(64, 1)).flatten(2).all(2).any(1)


@pytest.fixture
def generalises(points, remembers):
    """5 for real pictures, those held out as well."""
    return lambda images: remembers(images) + 5.0 * (images[:, None] == points(64, 2)).flatten(2).all(2).any(1)


def test_a_discriminator_that_remembers_is_told_once(fit, gan, column, told, remembers):
    fit(gan(judge=remembers))
    (line,) = told()
    assert line.startswith("health: at step 4 the discriminator knows the training pictures by heart: held-out ones")
    assert "look 100% as generated" in line
    assert "try augment=diffaugment" in line
    assert column("overfitting") == dict.fromkeys(range(2, 13, 2), 1.0)
    assert column("logit_gap") == dict.fromkeys(range(2, 13, 2), 5.0)


def test_a_discriminator_that_generalises_is_not(fit, gan, column, told, generalises):
    fit(gan(judge=generalises))
    assert told() == []
    assert column("overfitting") == dict.fromkeys(range(2, 13, 2), 0.0)


def test_the_ratio_is_that_of_the_paper():
    training, held_out, fake = torch.tensor([4.0, 6.0]), torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    found = overfitting(training, held_out, fake)
    torch.testing.assert_close(found.gap, 3.0)
    torch.testing.assert_close(found.ratio, 3 / 4)
    torch.testing.assert_close(found.error, 2**0.5)  # each mean has variance 2 / 2
    assert not found.certain  # 3 is not more than three times 1.4
    assert overfitting(fake, held_out, training).ratio == 0
