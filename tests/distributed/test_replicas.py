"""Processes that train together: they stay equal, and take the step that one alone would take."""

import pytest
import torch
from process_recipes import RECIPES
from ranks import together

from atelier import checkpoints
from atelier.record import table

GANS = ["batch_norm", "critic_steps", "augmented", "lecam", "relativistic", "labelled"]
TRANSLATIONS = ["pool", "restored"]
TRANSFERS = ["any_style", "accumulated"]

PLAYERS = ["+model.generator_optimizer.eps=1e-3", "+model.discriminator_optimizer.eps=1e-3"]
"""Adam makes steps of gradients that are nothing but rounding, such as of a bias before batch norm."""

PRECISE = ["trainer.precision=64-true", "trainer.limit_val_batches=0"]
ALIKE = {
    **{key: [*PRECISE, *PLAYERS, "health=none", "callbacks.samples=null"] for key in GANS},
    **{key: [*PRECISE, *PLAYERS, "callbacks.translated=null"] for key in TRANSLATIONS},
    **{key: [*PRECISE, "+model.optimizer.eps=1e-3", "callbacks.stylised=null"] for key in TRANSFERS},
}
"""Of which every draw is for one picture of the batch, and every loss a mean over its pictures: how they are told to be
in double precision, without what draws samples in single precision."""


@pytest.mark.parametrize("names", [["batch_norm", "pool"], pytest.param([*RECIPES], marks=pytest.mark.slow)])
def test_replicas_stay_equal(names, saved):
    """After every optimiser's step and at the end of every batch."""
    found, _ = together("equal_replicas", *(saved(name) for name in names))
    for name, (times, apart) in found.items():
        assert times >= 6, name
        assert apart == 0, name


@pytest.mark.slow
def test_two_take_the_step_that_one_would(saved, monkeypatch):
    """Weights, averages and what penalties remember, to 1e-9 in double precision; and the record of the losses."""
    monkeypatch.delenv("RANK", raising=False)
    for processes in (1, 2):
        configs = [saved(name, *words, processes=processes) for name, words in ALIKE.items()]
        together("whole_batches", *configs, processes=processes)
    for name in ALIKE:
        alone, shared = (configs[0].with_name(f"{name}.{world}.{world}") for world in (1, 2))
        same_weights(alone, shared, name)
        same_record(alone, shared, name)


def same_weights(alone, shared, name):
    first, second = (checkpoints.read(checkpoints.find(folder))["state_dict"] for folder in (alone, shared))
    assert first.keys() == second.keys()
    for part, values in first.items():
        assert torch.allclose(second[part], values, rtol=1e-9, atol=1e-9), f"{name}: {part}"


def same_record(alone, shared, name):
    first, second = (table.read(folder / "metrics.csv") for folder in (alone, shared))
    assert len(first) == len(second) == 4
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for column, value in one.items():
            assert other[column] == pytest.approx(value, rel=1e-5, abs=1e-7), (name, column)
