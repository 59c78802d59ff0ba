"""Of several that want the same, one makes it."""

import threading

import pytest

from atelier import locks
from atelier.locks import alone


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
