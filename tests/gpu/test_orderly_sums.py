"""What tests/test_orderly_sums.py shows where there is no GPU, with torch's own thread for backward passes."""

import pytest
import torch
from accelerated import ACCELERATOR
from same_run import LEARNT, equal

from atelier import checkpoints, run

pytestmark = pytest.mark.gpu


def record(count, device):
    """More in the backward pass than in the forward one. Returns the last numbers of both."""
    start = torch.ones(1, device=device, requires_grad=True)
    end = start
    for _ in range(count):
        end = end * start
    (slope,) = torch.autograd.grad(end, start, create_graph=True)
    return end.grad_fn._sequence_nr(), slope.grad_fn._sequence_nr()


def catch_up(device):
    """Backward passes begin behind, since a process has recorded more forwards."""
    forwards, backwards = record(1, device)
    while backwards <= forwards:
        forwards, backwards = record(20_000, device)


def test_a_run_after_others_is_as_the_first(device, small_config, tmp_path):
    strict = [f"trainer.accelerator={ACCELERATOR}", "+trainer.deterministic=true"]
    cfg = small_config("model=r3gan", "loss.penalties.r1.weight=10", *strict)
    learnt = []
    for name in ("first", "after"):
        run.fit(cfg, tmp_path / name, {})
        learnt.append(checkpoints.read(checkpoints.find(tmp_path / name)))
        catch_up(device)
    for part in LEARNT:
        equal(learnt[0][part], learnt[1][part], part)
