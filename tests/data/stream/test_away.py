"""A store that is away for a while, and one that refuses."""

import errno

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from atelier.data import remote as remotes
from atelier.data.remote import MissingFile, Remote
from atelier.errors import RunError, UserError


class Flaky(MemoryFileSystem):
    """Fails as often as told."""

    faults = 0
    error: Exception = ConnectionError("the line is dead")

    def _fail(self):
        if Flaky.faults:
            Flaky.faults -= 1
            raise Flaky.error

    def cat_file(self, path, **options):
        self._fail()
        return super().cat_file(path, **options)

    def pipe_file(self, path, value, **options):
        self._fail()
        return super().pipe_file(path, value, **options)

    def exists(self, path, **options):
        self._fail()
        return super().exists(path, **options)

    def ls(self, path, **options):
        self._fail()
        return super().ls(path, **options)

    def rm_file(self, path):
        self._fail()
        return super().rm_file(path)


@pytest.fixture
def flaky(monkeypatch):
    pauses = []
    monkeypatch.setattr(remotes.time, "sleep", pauses.append)
    MemoryFileSystem.store.clear()
    remote = Remote("memory://flaky")
    remote.write("one", b"content")
    monkeypatch.setattr(remote, "_connect", lambda: (Flaky(), "/flaky"))
    monkeypatch.setattr(Flaky, "faults", 0)
    return remote, pauses


def test_a_store_that_is_away_is_asked_again_ever_more_seldom(flaky, caplog):
    remote, pauses = flaky
    Flaky.faults = 3
    assert remote.read("one") == b"content"
    assert pauses == [1, 2, 4]
    assert caplog.messages[0] == "memory://flaky/one cannot be read (the line is dead): again in 1 s"


def test_a_store_that_stays_away_ends_the_run_in_one_line(flaky):
    remote, pauses = flaky
    Flaky.faults = 99
    with pytest.raises(RunError, match=r"^memory://flaky/one cannot be read: the line is dead$"):
        remote.read("one")
    assert pauses == [*remotes.PAUSES]


@pytest.mark.parametrize(
    ("ask", "answer", "done"),
    [
        (lambda remote: remote.write("two", b"2"), None, "written"),
        (lambda remote: remote.exists("one"), True, "looked for"),
        (lambda remote: remote.names(), ["one"], "listed"),
        (lambda remote: remote.remove(["one"]), None, "removed"),
    ],
)
def test_whatever_is_asked_is_asked_again(flaky, caplog, ask, answer, done):
    remote, pauses = flaky
    Flaky.faults = 2
    assert ask(remote) == answer
    assert pauses == [1, 2]
    assert f"cannot be {done} (the line is dead): again in 1 s" in caplog.messages[0]
    Flaky.faults = 1
    with pytest.raises(RunError, match=f"cannot be {done}: the line is dead"):
        ask(remote.impatient())
    assert pauses == [1, 2]


def error_of(library, name, base=Exception, **attributes):
    """Of a library that need not be installed."""
    kind = type(name, (base,), {"__module__": f"{library}.exceptions", **attributes})
    return kind("in so many words")


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (error_of("botocore", "NoCredentialsError"), UserError),
        (PermissionError("in so many words"), UserError),
        (OSError(errno.ENOSPC, "in so many words"), RunError),
        (ValueError("in so many words"), RunError),
        (error_of("aiohttp", "ClientResponseError", status=400), RunError),
    ],
)
def test_what_does_not_pass_is_told_at_once(flaky, error, ends, monkeypatch):
    remote, pauses = flaky
    Flaky.faults = 1
    monkeypatch.setattr(Flaky, "error", error)
    with pytest.raises(ends, match=r"^memory://flaky/one .*in so many words$"):
        remote.read("one")
    assert pauses == []


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        OSError("unheard of"),
        error_of("botocore", "EndpointConnectionError", type(error_of("botocore", "ConnectionError"))),
        error_of("aiohttp", "ClientPayloadError"),
        error_of("aiohttp", "ClientResponseError", status=503),
    ],
)
def test_what_may_pass_is_asked_again(flaky, error, monkeypatch):
    remote, pauses = flaky
    Flaky.faults = 1
    monkeypatch.setattr(Flaky, "error", error)
    assert remote.read("one") == b"content"
    assert pauses == [1]


def test_what_is_missing_is_not_asked_for_again(flaky):
    remote, pauses = flaky
    with pytest.raises(MissingFile):
        remote.read("none")
    assert pauses == []
