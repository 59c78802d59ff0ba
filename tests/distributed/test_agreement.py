from types import SimpleNamespace

import pytest
import torch

from atelier import processes
from atelier.distributed.agreement import SameStart
from atelier.errors import RunError


@pytest.fixture
def start(monkeypatch):
    """Has a process begin that goes on from the first of two steps; another one goes on from the second."""

    def begin(step, other):
        monkeypatch.setattr(processes, "gathered", lambda mine: torch.cat([mine, torch.tensor([other])]))
        strategy = SimpleNamespace(root_device=torch.device("cpu"))
        SameStart(step).setup(SimpleNamespace(strategy=strategy), None, "fit")

    return begin


@pytest.mark.parametrize(("step", "other"), [(None, -1), (0, 0), (10, 10)])
def test_processes_that_start_together_may(start, step, other):
    start(step, other)


@pytest.mark.parametrize(("step", "other"), [(None, 0), (0, -1), (10, 20)])
def test_processes_that_do_not_are_refused(start, step, other):
    with pytest.raises(RunError, match="run_dir must lie on a disk that all share"):
        start(step, other)
