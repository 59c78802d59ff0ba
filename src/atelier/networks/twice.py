"""What a network should know of the pass that it is in: whether its slopes are to be differentiated themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch


@contextmanager
def differentiable_twice() -> Iterator[None]:
    """Nothing compiled runs within it, as compiled graphs have no second derivative; grouped convolutions use their own
    (`grouped.py`).
    """
    token = _twice.set(True)
    try:
        yield
    finally:
        _twice.reset(token)


def differentiated_twice() -> bool:
    """Whether `differentiable_twice` is entered; never while torch compiles, which as of 2.11 reads no ContextVar."""
    return not torch.compiler.is_compiling() and _twice.get()


_twice = ContextVar("twice", default=False)
