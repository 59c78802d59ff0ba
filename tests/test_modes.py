"""In a minute what `benchmarks/modes.py` takes an hour for: recipes that find all modes, and one that finds none."""

import pytest

from atelier import run
from atelier.record import table

pytestmark = pytest.mark.slow


def with_betas(first, second):
    return [f"model.{player}_optimizer.betas=[{first},{second}]" for player in ("generator", "discriminator")]


STABLE = {
    "r3gan": ["loss=r3gan"],
    "sngan": ["loss=hinge", "model.discriminator.spectral_norm=true", *with_betas(0.0, 0.9)],
}
FLEEING = [
    "loss=non_saturating",
    *with_betas(0.9, 0.999),
    "model.generator_optimizer.lr=5e-3",
    "model.discriminator_optimizer.lr=5e-4",
]
"""With momentum and ten times as fast as its discriminator, a generator flees to wherever that was fooled last."""


@pytest.fixture
def trained(composed, tmp_path):
    """Trains on a ring of eight; returns the last validation's modes and share of good samples."""

    def train(*recipe):
        length = ["trainer.max_steps=1500", "trainer.val_check_interval=150", "callbacks.progress=null"]
        run.fit(composed("experiment=ring", *length, *recipe), tmp_path, {})
        last = [row for row in table.read(tmp_path / "metrics.csv") if "val/modes" in row][-1]
        return last["val/modes"], last["val/good_samples"]

    return train


@pytest.mark.parametrize("recipe", STABLE)
def test_a_recipe_made_for_stability_finds_every_mode(recipe, trained, caplog):
    modes, good = trained(*STABLE[recipe])
    assert modes == 8
    assert good > 0.6
    assert not [message for message in caplog.messages if "collapsed" in message]


def test_a_recipe_that_is_known_to_collapse_does_and_is_warned_of_once(trained, caplog):
    modes, _ = trained(*FLEEING)
    assert modes <= 2
    (warned,) = (message for message in caplog.messages if "the samples have collapsed" in message)
    assert "a smaller model.generator_optimizer.lr" in warned
