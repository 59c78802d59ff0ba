import os
import signal
from types import SimpleNamespace

import pytest

from atelier.callbacks.interrupt import Interrupt
from atelier.errors import Interrupted


class Keep:
    def __init__(self):
        self.saved = []

    def save(self, trainer):
        self.saved.append(trainer.global_step)


def trainer(step, should_stop=False):
    return SimpleNamespace(global_step=step, val_check_batch=4, should_stop=should_stop)


@pytest.fixture
def interrupt():
    former = [signal.getsignal(number) for number in Interrupt.SIGNALS]
    callback = Interrupt(Keep())
    callback.on_fit_start(trainer(0), None)
    yield callback
    callback.teardown(trainer(0), None, "fit")
    assert [signal.getsignal(number) for number in Interrupt.SIGNALS] == former


@pytest.mark.parametrize("number", Interrupt.SIGNALS)
def test_a_step_is_finished_and_saved(interrupt, number):
    interrupt.on_train_batch_end(trainer(1), None)
    os.kill(os.getpid(), number)
    with pytest.raises(Interrupted, match="stopped at step 2"):
        interrupt.on_train_batch_end(trainer(2), None)
    assert interrupt.checkpoints.saved == [2]


@pytest.mark.parametrize("last", [trainer(8), trainer(9, should_stop=True)])
def test_a_validation_that_is_due_comes_first(interrupt, last):
    os.kill(os.getpid(), signal.SIGINT)
    interrupt.on_train_batch_end(last, None)
    with pytest.raises(Interrupted):
        interrupt.on_validation_end(last, None)
    assert interrupt.checkpoints.saved == []  # the checkpoints' own hook has saved by then


def test_a_second_signal_stops_at_once(interrupt):
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted, match="at once"):
        os.kill(os.getpid(), signal.SIGINT)
        signal.getsignal(signal.SIGINT)  # a bytecode later the handler has run
