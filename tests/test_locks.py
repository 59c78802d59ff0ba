"""Of several that want the same, one makes it."""

import os
import signal
import threading

import pytest

from atelier import locks
from atelier.errors import UserError
from atelier.locks import alone, occupied


def test_whoever_comes_second_is_told_and_waits(tmp_path, monkeypatch):
    told, waiting, order = [], threading.Event(), []

    def tell(text, *words):
        told.append(text % words)
        waiting.set()

    def second():
        with alone(tmp_path / "pixels", "prepares"):
            order.append("second")

    monkeypatch.setattr(locks.log, "info", tell)
    thread = threading.Thread(target=second)
    with alone(tmp_path / "pixels", "prepares"):
        thread.start()
        assert waiting.wait(timeout=120)
        order.append("first")
    thread.join(timeout=120)
    assert order == ["first", "second"]
    assert told == ["another process prepares pixels: waiting for it"]


def test_whoever_fails_keeps_nobody_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(locks.log, "info", lambda *words: pytest.fail("waits"))
    with pytest.raises(ZeroDivisionError), alone(tmp_path / "pixels", "prepares"):
        raise ZeroDivisionError
    with alone(tmp_path / "pixels", "prepares"), alone(tmp_path / "others", "prepares"):
        pass


def test_a_folder_is_occupied_by_one_at_a_time(tmp_path):
    for _ in range(2):
        with occupied(tmp_path, "taken"):
            with pytest.raises(UserError, match="^taken$"), occupied(tmp_path, "taken"):
                pass
            with pytest.raises(UserError, match="^taken$"), occupied(tmp_path, "taken"):
                pass
    assert not [*tmp_path.iterdir()]


def test_what_was_forked_does_not_keep_a_folder(tmp_path):
    reads, writes = os.pipe()
    with occupied(tmp_path, "taken"):
        worker = os.fork()
        if not worker:
            os.write(writes, b"!")
            signal.pause()
        os.read(reads, 1)
    try:
        with occupied(tmp_path, "taken"):
            pass
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


def test_where_there_are_no_locks_everybody_is_let_in(tmp_path, monkeypatch):
    monkeypatch.setattr(locks.fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError("no locks")))
    with occupied(tmp_path, "taken"), occupied(tmp_path, "taken"), occupied(tmp_path / "none", "taken"):
        pass
