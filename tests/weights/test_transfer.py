import hashlib
import io
import re
import threading
from collections import deque
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console
from weights_site import CONTENT, HALF, Site, ranged, status, whole

from atelier import locks, weights
from atelier.errors import UserError
from atelier.weights import table, transfer


@pytest.fixture
def site(monkeypatch):
    """A server on this machine, from which "inception" is published."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            served.answer(self)

        def log_message(self, *words):
            pass

    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        publish(monkeypatch, f"http://127.0.0.1:{server.server_port}/weights.pth")
        yield served
        server.shutdown()


def publish(monkeypatch, address):
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = replace(weights.published("inception"), address=address, sha256=digest, size=len(CONTENT))
    monkeypatch.setitem(table.PUBLISHED, "inception", file)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def partial(folder):
    folder.mkdir()
    return folder / f"{weights.published('inception').file}.partial"


def visible(folder):
    return sorted(path.name for path in folder.glob("[!.]*"))


def test_a_file_is_downloaded_once(site, folder, capfd):
    path = weights.fetch("inception")
    assert path == weights.path_of("inception") == weights.fetch("inception")
    assert path.read_bytes() == CONTENT
    assert visible(folder) == [path.name]
    assert site.ranges == [None]
    assert capfd.readouterr() == ("", "")  # no bar where there is no terminal


def test_a_file_put_there_by_hand_is_as_good(site, folder):
    folder.mkdir()
    path = weights.path_of("inception")
    path.write_bytes(CONTENT)
    assert weights.fetch("inception").read_bytes() == CONTENT
    assert [*folder.iterdir()] == [path]  # no lock either: the folder may be one that is only read
    assert site.ranges == []


@pytest.mark.parametrize("until", [1, HALF, len(CONTENT) - 1])
def test_what_breaks_off_is_taken_up_again(site, until):
    site.answers = deque([ranged(until), ranged()])
    assert weights.fetch("inception").read_bytes() == CONTENT
    assert site.ranges == [None, f"bytes={until}-"]


def test_what_was_received_is_kept_for_the_next_attempt(site, folder):
    site.answers = deque([ranged(HALF), status(503)])
    with pytest.raises(UserError, match=r"cannot be downloaded \(HTTP Error 503: Service Unavailable\)"):
        weights.fetch("inception")
    assert visible(folder) == [f"{weights.published('inception').file}.partial"]
    site.answers = deque([ranged()])
    assert weights.fetch("inception").read_bytes() == CONTENT
    assert site.ranges == [None, f"bytes={HALF}-", f"bytes={HALF}-"]


def test_a_server_without_ranges_sends_it_all_again(site):
    site.answers = deque([whole(HALF), whole()])
    assert weights.fetch("inception").read_bytes() == CONTENT
    assert site.ranges == [None, f"bytes={HALF}-"]


def test_a_server_that_never_gets_further_is_given_up(site):
    site.answers = deque([whole(HALF)])
    with pytest.raises(UserError, match=f"broke off after {HALF} of {len(CONTENT)} bytes"):
        weights.fetch("inception")
    assert len(site.ranges) == 2


@pytest.mark.parametrize("stale", [b"of another file", b"x" * HALF, b"x" * len(CONTENT), b"x" * 2 * len(CONTENT)])
@pytest.mark.parametrize("answer", [ranged(), whole()])
def test_what_was_begun_with_something_else_is_begun_anew(site, partial, stale, answer):
    partial.write_bytes(stale)
    site.answers = deque([answer])
    assert weights.fetch("inception").read_bytes() == CONTENT
    assert not partial.exists()


def test_what_had_come_wholly_is_not_sent_again(site, partial):
    partial.write_bytes(CONTENT)
    assert weights.fetch("inception").read_bytes() == CONTENT
    assert site.ranges == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("content", [b"<html>sign in</html>", CONTENT[:-1] + b"?", b""])
def test_wrong_bytes_are_thrown_away(site, folder, content):
    site.content = content
    site.answers = deque([whole()])
    found, expected = hashlib.sha256(content).hexdigest(), hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(UserError, match=f"is not the published file: its sha256 is {found}, and should be {expected}"):
        weights.fetch("inception")
    assert visible(folder) == []


@pytest.mark.parametrize("content", [b"", CONTENT[:HALF], CONTENT[:-1] + b"?"])
def test_a_wrong_file_is_never_used_nor_replaced(site, folder, content):
    folder.mkdir()
    path = weights.path_of("inception")
    path.write_bytes(content)
    found, expected = hashlib.sha256(content).hexdigest(), hashlib.sha256(CONTENT).hexdigest()
    for look in (weights.fetch, weights.verify):
        with pytest.raises(UserError, match=f"{re.escape(str(path))} is not .* {found}, and should be {expected}"):
            look("inception")
    assert path.read_bytes() == content
    assert site.ranges == []


def test_an_absent_file_is_not_verified():
    with pytest.raises(UserError, match="vgg19: not at .*; `atelier weights fetch vgg19` downloads it"):
        weights.verify("vgg19")


def test_without_a_network_it_says_what_to_do(monkeypatch, folder):
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        address = f"http://127.0.0.1:{server.server_port}/weights.pth"  # free from here on
    publish(monkeypatch, address)
    with pytest.raises(UserError) as caught:
        weights.fetch("inception")
    assert str(caught.value) == (
        f"inception: {address} cannot be downloaded (Connection refused); try again, "
        f"or put the file at {weights.path_of('inception')} by hand; metrics=embedded needs no download"
    )
    assert visible(folder) == []


def test_a_silent_server_is_not_waited_for(site, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 0.05)
    over = threading.Event()
    site.answers = deque([lambda request, content: over.wait(5) or whole()(request, content)])
    with pytest.raises(UserError, match=r"cannot be downloaded \(timed out\)"):
        weights.fetch("inception")
    over.set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_told_in_one_line(site, partial):
    partial.symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"cannot be downloaded \(No space left on device\).*[^\n]$"):
        weights.fetch("inception")


def test_a_folder_that_cannot_be_made_is_told_in_one_line(site, folder):
    folder.write_text("a file of someone's")
    with pytest.raises(UserError, match=r"cannot be downloaded \((Not a directory|File exists)\)"):
        weights.fetch("inception")


def test_of_two_that_want_the_same_one_downloads(site, monkeypatch):
    asked, waiting = threading.Event(), threading.Event()
    monkeypatch.setattr(locks.log, "info", lambda *words: waiting.set())

    def held(request, content):
        asked.set()
        assert waiting.wait(10)
        ranged()(request, content)

    site.answers = deque([held])
    paths = []
    both = [threading.Thread(target=lambda: paths.append(weights.fetch("inception"))) for _ in range(2)]
    both[0].start()
    assert asked.wait(10)
    both[1].start()
    for thread in both:
        thread.join()
    assert paths == [weights.path_of("inception")] * 2
    assert site.ranges == [None]


def test_a_terminal_is_shown_a_bar(site, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(transfer, "Console", lambda stderr: Console(file=shown, force_terminal=True, width=100))
    weights.fetch("inception")
    assert "inception" in shown.getvalue()
    assert "kB" in shown.getvalue()
