import io
import logging
from contextlib import redirect_stdout

import pytest
from rich.console import Console
from rich.live import Live

from atelier.record.console import handlers_follow

LOG = logging.getLogger("atelier.test_console")


@pytest.fixture
def handler():
    handler = logging.StreamHandler(io.StringIO())
    LOG.addHandler(handler)
    yield handler
    LOG.removeHandler(handler)


def test_log_messages_are_written_above_the_display(handler):
    console = Console(file=io.StringIO(), force_terminal=True, width=40)
    live = Live("the bar", console=console, auto_refresh=False)
    before = handler.stream
    with redirect_stdout(before), handlers_follow(live):
        LOG.warning("careful")

    assert before.getvalue() == ""
    assert "careful" in console.file.getvalue()
    assert handler.stream is before


def test_handlers_of_other_streams_are_left_alone(handler):
    live = Live(console=Console(file=io.StringIO(), force_terminal=True), auto_refresh=False)
    with handlers_follow(live):
        LOG.warning("careful")

    assert handler.stream.getvalue() == "careful\n"


def test_handlers_get_their_stream_back_after_a_failure(handler):
    live = Live(console=Console(file=io.StringIO(), force_terminal=True), auto_refresh=False)
    before, during = handler.stream, []

    def fail():
        with redirect_stdout(before), handlers_follow(live):
            during.append(handler.stream)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert during != [before]
    assert handler.stream is before
