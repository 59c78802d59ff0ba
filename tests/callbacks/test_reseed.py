from types import SimpleNamespace

import pytest
import torch

from atelier.callbacks.reseed import Reseed


def drawn(step, batch=0, accumulate=1, rank=0, seed=0):
    place = SimpleNamespace(global_step=step, accumulate_grad_batches=accumulate, global_rank=rank)
    task = SimpleNamespace(device=torch.device("cpu"))
    Reseed(seed).on_train_batch_start(place, task, None, batch)
    return torch.randn(()).item()


def test_each_batch_of_each_process_has_draws_of_its_own_and_always_the_same():
    found = [drawn(step, rank=rank, seed=seed) for step in range(3) for rank in range(2) for seed in range(2)]
    assert len({*found}) == len(found)
    assert drawn(step=1, batch=1, rank=1) == drawn(step=1, batch=0, rank=1), "a resumed run counts its batches anew"


@pytest.mark.parametrize("first", [0, 6], ids=["from the start", "resumed at step 2"])
def test_the_batches_of_one_step_differ(first):
    """As many draws as batches, whether or not the run was interrupted between two steps."""
    found = [drawn(step=number // 3, batch=number - first, accumulate=3) for number in range(first, 12)]
    assert len({*found}) == len(found)
    assert found == [drawn(step=number) for number in range(first, 12)]
