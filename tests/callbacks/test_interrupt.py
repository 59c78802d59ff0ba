import os
import signal
import threading
from types import SimpleNamespace

import pytest

from atelier.callbacks.interrupt import Interrupt
from atelier.errors import Interrupted
from atelier.signals import NUMBERS, Signals


class Keep:
    def __init__(self):
        self.saved = []

    def save(self, trainer):
        self.saved.append(trainer.global_step)


def trainer(step, should_stop=False, enable_validation=True):
    return SimpleNamespace(
        global_step=step,
        val_check_batch=4,
        should_stop=should_stop,
        enable_validation=enable_validation,
        accumulate_grad_batches=1,
    )


def end_batch(callback, at):
    """As Lightning tells of it."""
    callback.on_train_batch_end(at, None, None, None, at.global_step - 1)


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def _hang_up():
    """As for a program that was not started by `nohup`."""
    former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, former)


@pytest.fixture
def interrupt():
    former = [signal.getsignal(number) for number in NUMBERS]
    with Signals() as signals:
        callback = Interrupt(signals, Keep())
        callback.on_train_start(trainer(0), None)
        yield callback
    assert [signal.getsignal(number) for number in NUMBERS] == former


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_is_finished_and_saved(interrupt, number):
    end_batch(interrupt, trainer(1))
    send(number)
    with pytest.raises(Interrupted, match="stopped at step 2"):
        end_batch(interrupt, trainer(2))
    assert interrupt.checkpoints.saved == [2]


@pytest.mark.parametrize("last", [trainer(8), trainer(9, should_stop=True)])
def test_a_validation_that_is_due_comes_first(interrupt, last):
    send()
    end_batch(interrupt, last)
    with pytest.raises(Interrupted):
        interrupt.on_validation_end(last, None)
    assert interrupt.checkpoints.saved == []  # the checkpoints' own hook has saved by then


def test_a_validation_that_never_comes_is_not_waited_for(interrupt):
    send()
    with pytest.raises(Interrupted):
        end_batch(interrupt, trainer(8, enable_validation=False))


def test_a_second_signal_stops_at_once(interrupt):
    send()
    with pytest.raises(Interrupted, match="at once"):
        send()


@pytest.mark.parametrize("first", [signal.SIGHUP, signal.SIGINT])
def test_a_terminal_that_hangs_up_is_not_impatient(first, interrupt):
    send(first)
    send(signal.SIGHUP)
    with pytest.raises(Interrupted, match="stopped at step 2"):
        end_batch(interrupt, trainer(2))
    assert interrupt.checkpoints.saved == [2]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_is_written_to_a_terminal_that_is_gone_is_let_go(number, capfd):
    ours, theirs = os.openpty()
    kept = os.dup(2)
    os.dup2(theirs, 2)
    os.close(ours)
    try:
        with pytest.raises(OSError, match="Input/output"):
            os.write(2, b"!")
        with Signals() as signals:
            signals.patient = True
            send(number)
        os.write(2, b"!")
        os.write(1, b"still there")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(theirs)
    assert capfd.readouterr().out == "still there"


def test_a_program_that_is_to_outlive_its_terminal_does():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Signals() as signals:
        send(signal.SIGHUP)
        assert not signals.received
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.parametrize("aloud", [True, False])
def test_whoever_stops_a_run_is_told_once_that_it_was_heard(aloud, capfd):
    with Signals(aloud=aloud) as signals:
        signals.patient = True
        send()
        with pytest.raises(Interrupted):
            send()
    assert capfd.readouterr().err == "finishing the step, then saving; once more stops at once\n" * aloud


def test_one_whose_signals_others_obey_says_so_too(capfd):
    passed = []
    with Signals(aloud=True) as signals, signals.passed_on(lambda number, frame: passed.append(number)):
        send()
        send(signal.SIGTERM)
    assert passed == [signal.SIGINT, signal.SIGTERM]
    assert capfd.readouterr().err.count("finishing the step") == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_before_training_a_signal_stops_at_once(number):
    with pytest.raises(Interrupted, match="at once"), Signals():
        send(number)


def test_handlers_that_someone_else_installed_are_taken_back():
    with Signals() as signals:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signals.take()
        signals.patient = True
        send(signal.SIGTERM)
        assert signals.received


def test_in_another_thread_nothing_happens():
    def enter():
        with Signals() as signals:
            signals.take()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
