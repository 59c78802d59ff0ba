"""What processes send each other: the gradients of the player whose turn it is."""

from types import SimpleNamespace

import pytest
import torch
from torch.futures import Future

from atelier.distributed import turns


class Bucket:
    """Gradients 1, 2, 3 … of weights of 2 x 3 each, one after the other in a buffer that begins within its storage."""

    def __init__(self, learning):
        self._buffer = torch.arange(1.0, 7 + 6 * len(learning))[6:]
        self._weights = [torch.zeros(2, 3, requires_grad=wanted) for wanted in learning]

    def buffer(self):
        return self._buffer

    def parameters(self):
        return self._weights

    def gradients(self):
        return [part.view(2, 3) for part in self._buffer.split(6)]


@pytest.fixture
def sent(monkeypatch):
    """What was sent, by the first of four processes whose others have the same gradients."""
    found = []

    def all_reduce(part, async_op):
        assert async_op
        found.append(part.clone())
        part *= 4
        done = Future()
        done.set_result([part])
        return SimpleNamespace(get_future=lambda: done)

    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    return found


@pytest.mark.parametrize(
    ("learning", "first", "last"),
    [
        ([True, True, True], 0, 3),
        ([True, True, False], 0, 2),
        ([False, True, False], 1, 2),
        ([False, True, True, False, True, False], 1, 5),  # with a gap, which goes along
    ],
)
def test_what_is_averaged_and_sent_are_the_gradients_of_those_that_learn(learning, first, last, sent):
    bucket = Bucket(learning)
    before = bucket.buffer().clone()
    after = turns.exchange(bucket).wait()
    torch.testing.assert_close(sent, [before[6 * first : 6 * last] / 4])
    assert after is bucket.buffer()
    torch.testing.assert_close(after, before)


def test_a_strategy_of_torchs_own_kind_may_become_this_one():
    strategy = turns.InTurns(find_unused_parameters=False, process_group_backend="gloo")
    assert strategy._ddp_kwargs["find_unused_parameters"] is True


def test_of_a_bucket_in_which_nothing_learns_nothing_is_sent(sent):
    bucket = Bucket([False, False])
    before = bucket.buffer().clone()
    torch.testing.assert_close(turns.exchange(bucket).wait(), before, rtol=0, atol=0)
    assert sent == []
