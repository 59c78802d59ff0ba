"""Runs are the same whatever torch's threads have recorded before, where that is asked for.

On a GPU a backward pass has a thread of its own, and so what is recorded in one has numbers of its own. Here there is
no GPU: gradients that are to be differentiated again are taken in another thread, unless torch is told to use one. That
of the training is new, too, for what tests before have recorded is more than can be caught up with.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from atelier import checkpoints, run

MANY = 100_000
"""Numbers that a run does not come to."""


@pytest.fixture
def backwards(monkeypatch):
    """The thread of backward passes."""
    here = torch.autograd.grad
    with ThreadPoolExecutor(1) as thread:

        def grad(*arguments, **options):
            if options.get("create_graph") and torch.autograd.is_multithreading_enabled():
                return thread.submit(with_gradients, here, *arguments, **options).result()
            return here(*arguments, **options)

        monkeypatch.setattr(torch.autograd, "grad", grad)
        yield thread
    torch.use_deterministic_algorithms(False)


def with_gradients(function, *arguments, **options):
    """A thread begins with torch's defaults."""
    with torch.enable_grad():
        return function(*arguments, **options)


def record(count):
    start = torch.ones(1, requires_grad=True)
    for _ in range(count):
        start * 2


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_run_after_others_is_as_the_first(deterministic, backwards, small_config, tmp_path):
    cfg = small_config("model=r3gan", "loss.penalties.r1.weight=10", f"+trainer.deterministic={deterministic}")
    learnt = []
    with ThreadPoolExecutor(1) as forwards:
        for name in ("first", "after"):
            forwards.submit(run.fit, cfg, tmp_path / name, {}).result()
            learnt.append(checkpoints.read(checkpoints.find(tmp_path / name))["state_dict"])
            backwards.submit(with_gradients, record, MANY).result()
    same = all(torch.equal(first, after) for first, after in zip(*(each.values() for each in learnt), strict=True))
    assert same == deterministic
