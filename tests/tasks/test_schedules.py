import pytest
import torch

from atelier.tasks.schedules import cosine, linear


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


@pytest.mark.parametrize("schedule", [linear, cosine])
def test_an_endless_run_has_no_such_schedule(schedule):
    with pytest.raises(ValueError, match="steps must be >= 1, got -1"):
        rates(schedule, -1, 1)
