"""Every model trains on a GPU, under every precision."""

import math

import pytest
import torch
from accelerated import DEVICE, MODELS, SCORED
from models import FAMILIES
from pytorch_lightning import Callback

from atelier import checkpoints, run
from atelier.failures import MISUSED, describe, exit_code
from atelier.record import table

pytestmark = pytest.mark.gpu

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
BY_LBFGS = ("gatys", "texture")
"""A line search compares losses of several evaluations, whose gradients no scaler can scale alike."""


class Where(Callback):
    """Notes the devices of weights, of buffers and of what optimisers remember, but for counts of their steps.

    Not of modules' extra state, which is numbers for the CPU.
    """

    def on_train_end(self, trainer, task):
        remembered = [state for optimizer in trainer.optimizers for state in optimizer.state.values()]
        tensors = [*task.parameters(), *task.buffers()]
        tensors += [part for state in remembered for name, part in state.items() if name not in ("step", "func_evals")]
        self.devices = {part.device.type for part in tensors if isinstance(part, torch.Tensor)}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", [model for model in MODELS if model not in BY_LBFGS])
def test_it_trains(model, precision, tiny, tmp_path):
    """With its scores, its pictures and its checkpoints, of finite numbers."""
    scored = SCORED if model in FAMILIES else []
    trains(tiny(model, f"trainer.precision={precision}", *scored), tmp_path / "run")


@pytest.mark.parametrize("precision", PRECISIONS[:2])
@pytest.mark.parametrize("model", BY_LBFGS)
def test_pixels_are_learned(model, precision, tiny, tmp_path):
    trains(tiny(model, f"trainer.precision={precision}"), tmp_path / "run")


@pytest.mark.parametrize("model", BY_LBFGS)
def test_a_line_search_in_half_precision_is_refused_in_one_line(model, tiny, tmp_path):
    with pytest.raises(Exception, match="LBFGS") as caught:
        run.fit(tiny(model, "trainer.precision=16-mixed"), tmp_path / "run", {})
    assert exit_code(caught.value) == MISUSED
    assert "\n" not in describe(caught.value)


@pytest.mark.parametrize("model", BY_LBFGS)
def test_adam_learns_pixels_in_half_precision(model, tiny, tmp_path):
    adam = ["optimizer@model.optimizer=adam", "model.optimizer.lr=0.02"]
    trains(tiny(model, "trainer.precision=16-mixed", *adam), tmp_path / "run")


def trains(cfg, folder):
    where = Where()
    run.fit(cfg, folder, {}, [where])
    assert where.devices == {DEVICE}
    content = checkpoints.read(checkpoints.find(folder))
    assert content["global_step"] == cfg.trainer.max_steps
    rows = table.read(folder / "metrics.csv")
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    known = [value for row in rows for value in row.values() if isinstance(value, float)]
    assert known
    assert all(map(math.isfinite, known))
    weights = [part for part in content["state_dict"].values() if part.is_floating_point()]
    assert all(part.isfinite().all() for part in weights)
    assert list((folder / "samples").iterdir())
