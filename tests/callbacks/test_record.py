from types import SimpleNamespace

import pytest
import torch
from torch import nn

from atelier import processes
from atelier.callbacks.record import Record
from atelier.data.types import Images
from atelier.errors import Diverged, LostProcesses


class Task(nn.Linear):
    """Its one logger keeps the rows."""

    def __init__(self):
        super().__init__(2, 2)
        self.logged = []

    def log_metrics(self, values, step):
        self.logged.append({"step": step, **values})


def trainer(task, step=0, every=2, world=1, accumulate=1):
    return SimpleNamespace(
        global_step=step, log_every_n_steps=every, world_size=world, loggers=[task], accumulate_grad_batches=accumulate
    )


def run(record, task, terms, every=2, start=0, world=1):
    batch = Images(torch.zeros(8, 3, 4, 4), None)
    for step, values in enumerate(terms, start + 1):
        outputs = {name: torch.tensor(value) for name, value in values.items()}
        record.on_train_batch_end(trainer(task, step, every, world), task, outputs, batch, step - 1)


def test_a_row_each_nth_step_with_the_latest_value_of_each_term():
    task = Task()
    terms = [{"d/a": 1.0, "g/a": 9.0}, {"d/a": 2.0}, {"d/a": 3.0}, {"d/a": 4.0, "g/a": 8.0}]
    run(Record(), task, terms)
    assert task.logged == [
        {"step": 2, "images_seen": 16, "d/a": 2, "g/a": 9},
        {"step": 4, "images_seen": 32, "d/a": 4, "g/a": 8},
    ]


def test_a_step_of_several_batches_has_one_row_with_all_its_images():
    """Lightning counts it when it is taken, and shows the same number until the next."""
    record, task, batch = Record(), Task(), Images(torch.zeros(8, 3, 4, 4), None)
    for number in range(12):
        of_step = trainer(task, (number + 1) // 3, accumulate=3)
        record.on_train_batch_end(of_step, task, {"d/a": torch.tensor(float(number))}, batch, number)
    assert task.logged == [{"step": 2, "images_seen": 48, "d/a": 5}, {"step": 4, "images_seen": 96, "d/a": 11}]


def test_counts_are_exact_beyond_what_float32_counts():
    record, task = Record(), Task()
    record.images_seen = 2**24
    run(record, task, [{"d/a": 1.0}], every=1)
    assert task.logged[0]["images_seen"] == 2**24 + 8
    run(record, task, [{"d/a": 1.0}], every=1, world=3)
    assert task.logged[1]["images_seen"] == 2**24 + 32


def test_images_of_all_devices_are_counted():
    task = Task()
    run(Record(), task, [{"d/a": 1.0}] * 2, world=3)
    assert task.logged[0]["images_seen"] == 2 * 8 * 3


def test_a_resumed_record_goes_on_as_if_nothing_had_happened():
    terms = [{"d/a": 1.0, "g/a": 9.0}, {"d/a": 2.0}, {"d/a": 3.0}, {"d/a": 4.0}]
    straight, first, second = Task(), Task(), Task()
    run(Record(), straight, terms, every=4)
    before, after = Record(), Record()
    run(before, first, terms[:2], every=4)
    after.load_state_dict(before.state_dict())
    run(after, second, terms[2:], every=4, start=2)
    assert second.logged == straight.logged


def test_the_first_step_and_term_that_are_no_number_are_named():
    terms = [
        {"d/a": 1.0},
        {"d/a": 1.0, "d/gp": float("inf")},
        {"d/a": float("nan"), "d/gp": 1.0},
        {"d/a": 1.0},
    ]
    with pytest.raises(Diverged, match="step 2: the loss term d/gp is inf"):
        run(Record(), Task(), terms, every=4)


@pytest.mark.parametrize("hook", ["on_validation_start", "on_save_checkpoint"])
def test_no_checkpoint_is_written_after_such_a_step(hook):
    record, task = Record(), Task()
    run(record, task, [{"d/a": float("nan")}], every=100)
    with pytest.raises(Diverged, match="step 1"):
        getattr(record, hook)(trainer(task), task, *[{}][: hook == "on_save_checkpoint"])


def test_no_checkpoint_is_written_with_weights_that_are_no_numbers():
    record, task = Record(), Task()
    with torch.no_grad():
        task.weight[0, 0] = torch.inf
    with pytest.raises(Diverged, match="step 7: the weights weight are no longer finite"):
        record.on_save_checkpoint(trainer(task, 7), task, {})


def test_a_term_of_another_process_ends_this_one_too(monkeypatch):
    """Or it would write a checkpoint of a run that has ended."""
    record, task = Record(), Task()
    run(record, task, [{"d/a": 1.0}], every=4)
    monkeypatch.setattr(processes, "summed", lambda odd: odd + 1)
    with pytest.raises(LostProcesses, match="^a loss term of another process is no longer finite$"):
        record.on_save_checkpoint(trainer(task, 1), task, {})
