import pytest
import torch

from atelier.tasks.schedules import BurnIn, cosine, linear


def rates(schedule, steps, count, state=None):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=2.0)
    schedule = schedule(optimizer, steps)
    if state:
        schedule.load_state_dict(state)
    found = []
    for _ in range(count):
        optimizer.step()
        schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found, schedule.state_dict()


@pytest.mark.parametrize(
    ("schedule", "expected"), [(linear, [1.5, 1.0, 0.5, 0, 0]), (cosine, [1.707107, 1, 0.292893, 0, 0])]
)
def test_the_rate_falls_to_nothing_and_stays_there(schedule, expected):
    assert rates(schedule, 4, 5)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("schedule", [linear, cosine])
def test_a_longer_run_follows_the_longer_schedule(schedule):
    straight, _ = rates(schedule, 8, 6)
    _, state = rates(schedule, 4, 4)
    assert rates(schedule, 8, 2, state)[0] == pytest.approx(straight[4:])


def burned_in(steps, count, state=None, rate=0.25):
    """Learning rates and second betas of so many batches, and the schedule's and the optimiser's state."""
    optimizer = torch.optim.Adam([torch.zeros(1)], lr=2.0, betas=(0.0, 0.99))
    schedule = BurnIn(optimizer, steps, rate, second_beta=0.9)
    if state:
        schedule.load_state_dict(state[0])
        optimizer.load_state_dict(state[1])
    found = []
    for _ in range(count):
        optimizer.step()
        found.append((optimizer.param_groups[0]["lr"], *optimizer.param_groups[0]["betas"]))
        schedule.step()
    return found, (schedule.state_dict(), optimizer.state_dict())


def test_a_burn_in_lowers_the_rate_and_lengthens_adams_memory():
    rates, first, second = zip(*burned_in(4, 7)[0], strict=True)
    assert rates == pytest.approx([2.0, 1.780330, 1.25, 0.719670, 0.5, 0.5, 0.5], abs=1e-6)
    assert first == (0.0,) * 7
    assert second == pytest.approx([0.9, 0.913180, 0.945, 0.976820, 0.99, 0.99, 0.99], abs=1e-6)


def test_a_burn_in_goes_on_where_it_was_and_follows_a_longer_one():
    straight, _ = burned_in(8, 8)
    _, state = burned_in(8, 3)
    assert burned_in(8, 5, state)[0] == straight[3:]
    _, state = burned_in(4, 3)
    assert burned_in(8, 5, state)[0][1:] == straight[4:]  # the first still has the former's, until the next batch
    assert set(state[0]).isdisjoint({"_betas"})  # a checkpoint has plain values only


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: burned_in(-1, 1), "steps must be >= 1, got -1"),
        (lambda: burned_in(4, 1, rate=0), "rate must be between 0 and 1, got 0"),
        (lambda: rates(BurnIn, 4, 1), "a burn-in needs an optimiser with betas, as Adam, got SGD"),
    ],
)
def test_what_is_no_burn_in_is_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize("schedule", [linear, cosine])
def test_an_endless_run_has_no_such_schedule(schedule):
    with pytest.raises(ValueError, match="steps must be >= 1, got -1"):
        rates(schedule, -1, 1)
