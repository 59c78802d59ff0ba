import errno
import os
import subprocess
import sys
import threading
from unittest.mock import Mock

import pytest

from atelier.sweeps import owner as module
from atelier.sweeps.owner import Pulse, lives, owner


@pytest.fixture
def sign(tmp_path):
    path = tmp_path / "try.json"
    path.touch()
    return path


def aged(path, seconds):
    status = path.stat()
    os.utime(path, (status.st_atime - seconds, status.st_mtime - seconds))
    return path


def test_of_this_machine_one_knows(sign):
    assert lives(owner(), aged(sign, 1e6))
    assert not lives({**owner(), "born": "1"}, sign), "another process has the number now"
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    there = {**owner(), "pid": child.pid, "born": module._born(child.pid)}
    assert lives(there, sign)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(there, sign), "a zombie does not work any more"
    child.wait()
    child.stdin.close()
    assert not lives(there, sign)


@pytest.mark.parametrize(("seconds", "alive"), [(0, True), (500, True), (700, False)])
def test_of_others_the_last_sign_of_life_tells(seconds, alive, sign):
    assert lives({**owner(), "host": "elsewhere"}, aged(sign, seconds)) == alive
    assert lives({}, sign) == alive, "a file that was seen in the making"


def test_a_job_that_slurm_started_again_is_not_where_it_was(sign, monkeypatch):
    there = {**owner(), "host": "elsewhere", "slurm_job": "77"}
    assert lives(there, sign)
    monkeypatch.setenv("SLURM_JOB_ID", "78")
    assert lives(there, sign)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    assert not lives(there, sign)


def test_a_process_gives_signs_of_life_until_it_is_done(sign, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.001)
    beats = threading.Semaphore(0)
    monkeypatch.setattr(module.os, "utime", lambda path: beats.release())
    with Pulse(sign) as pulse:
        assert all(beats.acquire(timeout=60) for _ in range(3))
    pulse._thread.join(60)
    assert not pulse._thread.is_alive()


def test_a_ledger_that_was_deleted_ends_no_training(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.001)
    tries = threading.Semaphore(0)

    def utime(path):
        tries.release()
        raise FileNotFoundError(path)

    monkeypatch.setattr(module.os, "utime", utime)
    with Pulse(tmp_path / "gone") as pulse:
        assert all(tries.acquire(timeout=60) for _ in range(3))
        assert pulse._thread.is_alive()


def test_a_process_that_ends_while_one_looks_is_dead(sign, monkeypatch):
    monkeypatch.setattr(module.Path, "read_text", Mock(side_effect=ProcessLookupError))
    assert not lives({**owner(), "born": "1"}, sign)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
@pytest.mark.parametrize(("seconds", "alive"), [(0, True), (700, False)])
def test_who_may_only_look_goes_by_the_clock_of_this_machine(number, seconds, alive, sign, monkeypatch):
    monkeypatch.setattr(module.tempfile, "NamedTemporaryFile", Mock(side_effect=OSError(number, "no")))
    assert lives({**owner(), "host": "elsewhere"}, aged(sign, seconds)) == alive
