"""A time limit ends whole steps, whatever the batches of one."""

from itertools import count
from types import SimpleNamespace

import pytest
import torch

from atelier import checkpoints, run, run_folder
from atelier.callbacks.time_limit import TimeLimit
from atelier.record import table


@pytest.fixture
def clock(monkeypatch):
    """Seconds, which a test sets."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr("pytorch_lightning.callbacks.timer.time.monotonic", lambda: now.seconds)
    return now


def trainer(accumulate=1):
    strategy = SimpleNamespace(broadcast=lambda value: value)
    return SimpleNamespace(should_stop=False, strategy=strategy, accumulate_grad_batches=accumulate)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_training_stops_with_the_first_whole_step_after_the_time(accumulate, clock):
    limit, training = TimeLimit({"seconds": 5}), trainer(accumulate)
    limit.on_train_start(training, None)
    stopped = []
    for batch in range(9):
        clock.seconds = 2.0 * (batch + 1)  # over after the third batch, which is number 2
        limit.on_train_batch_end(training, None, None, None, batch)
        stopped.append(training.should_stop)
    assert stopped.index(True) == 2
    assert limit.is_over


def test_a_step_under_way_is_finished(clock):
    limit, training = TimeLimit("00:00:00:05"), trainer(accumulate=4)
    limit.on_train_start(training, None)
    clock.seconds = 6.0
    for batch in range(3):
        limit.on_train_batch_end(training, None, None, None, batch)
        assert not training.should_stop
    limit.on_train_batch_end(training, None, None, None, 3)
    assert training.should_stop


def test_time_is_over_only_when_it_is(clock):
    limit = TimeLimit({"minutes": 1})
    assert not limit.is_over
    limit.on_train_start(trainer(), None)
    clock.seconds = 59.0
    assert not limit.is_over
    clock.seconds = 60.0
    assert limit.is_over


def test_parts_of_a_run_count_together(clock):
    limit = TimeLimit({"seconds": 10})
    limit.on_train_start(trainer(), None)
    clock.seconds = 7.0
    other = TimeLimit({"seconds": 10})
    other.load_state_dict(limit.state_dict())
    assert not other.is_over
    other.on_train_start(trainer(), None)
    clock.seconds = 10.0
    assert other.is_over


def test_a_run_that_was_given_more_time_goes_on_as_if_it_had_had_it(small_config, tmp_path, monkeypatch):
    run.fit(small_config(), tmp_path / "straight", {})
    ticks = count(0.0)
    monkeypatch.setattr("pytorch_lightning.callbacks.timer.time.monotonic", lambda: next(ticks))  # a second a look

    run.fit(small_config("+trainer.max_time={seconds:4}"), tmp_path / "timed", {})

    facts = run_folder.facts(tmp_path / "timed")
    assert facts["status"] == "finished"
    assert facts["out_of_time"]
    assert 0 < facts["steps"] < 8
    validated = [row["step"] for row in table.read(tmp_path / "timed" / "metrics.csv") if "val/real_logits" in row]
    assert validated[-1] == facts["steps"]

    longer = small_config("+trainer.max_time={hours:1}", f"resume={tmp_path / 'timed'}")
    run.fit(longer, tmp_path / "timed", {})

    facts = run_folder.facts(tmp_path / "timed")
    assert facts["steps"] == 8
    assert not facts["out_of_time"]
    ours, theirs = (checkpoints.read(checkpoints.find(tmp_path / name)) for name in ("straight", "timed"))
    assert all(torch.equal(theirs["state_dict"][name], value) for name, value in ours["state_dict"].items())
