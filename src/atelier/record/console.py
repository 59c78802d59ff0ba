"""The one terminal of a run. It writes to standard error: standard output is for what other programs read."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live

from atelier.files import let_go


class Terminal(Console):
    """Whose reader may go, as `| tee` does at Ctrl-C: a run is more than what it says, and ends as it would have."""

    def on_broken_pipe(self) -> None:
        let_go(2)


console = Terminal(stderr=True)


@contextmanager
def handlers_follow(live: Live) -> Iterator[Live]:
    """Show a live display which log messages do not tear.

    Rich stands in for `sys.stdout` and `sys.stderr` meanwhile, but a log handler made before (Hydra's are)
    holds the stream of its own day: such handlers are turned to Rich's until the display ends.
    """
    former = [(handler, handler.stream) for handler in _handlers({sys.stdout, sys.stderr})]
    with live:
        for handler, _ in former:
            handler.setStream(sys.stderr)
        try:
            yield live
        finally:
            for handler, stream in former:
                handler.setStream(stream)


def _handlers(streams: set[TextIO]) -> list[logging.StreamHandler]:
    """The handlers that hold one of these streams. Some hold none, and ask for `sys.stderr` each time."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {handler for logger in loggers for handler in getattr(logger, "handlers", ())}
    return [handler for handler in handlers if vars(handler).get("stream") in streams]
