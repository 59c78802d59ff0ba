"""What `compile=true` does: networks that training calls are compiled by torch.compile, where they stand.

Names in checkpoints stay as they are. Compiled graphs cannot be differentiated twice: what does that runs within
`differentiable_twice`.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from atelier.networks.players import Discriminator
from atelier.networks.translator import Translator

log = logging.getLogger(__name__)

PASSES: Mapping[type[nn.Module], Sequence[str]] = MappingProxyType(
    {
        Discriminator: ("features", "logits"),  # forward is one after the other
        Translator: ("forward", "features"),
        nn.Module: ("forward",),
    }
)
"""The methods through which each kind of network is called: that of the first kind that fits."""


class Compiler:
    """Compiles methods of networks; once one cannot be, none is any more, and one line says so.

    `backend` is torch.compile's.
    """

    def __init__(self, backend: str | Callable[..., Any] = "inductor") -> None:
        from torch._dynamo.exc import TorchDynamoException  # seconds, which other runs are spared

        self.backend, self.refusals = backend, (TorchDynamoException,)
        self.gave_up = False

    def compile(self, network: nn.Module) -> None:
        names = next(names for kind, names in PASSES.items() if isinstance(network, kind))
        for name in names:
            setattr(network, name, _Pass(network, name, self))

    def give_up(self, error: Exception) -> None:
        self.gave_up = True
        reason = getattr(error, "inner_exception", error)  # what a backend raised
        line = next(iter(str(reason).strip().splitlines()), type(reason).__name__)
        log.warning("compile: goes on without, for torch.compile cannot: %s", line)


def compile_networks(networks: Iterable[nn.Module], compiler: Compiler | None = None) -> None:
    """From now on they are compiled when training first calls them."""
    compiler = compiler or Compiler()
    for network in networks:
        compiler.compile(network)


@contextmanager
def differentiable_twice() -> Iterator[None]:
    """Within it nothing compiled runs."""
    token = _twice.set(True)
    try:
        yield
    finally:
        _twice.reset(token)


_twice = ContextVar("twice", default=False)


class _Pass:
    """A method of one network, in training compiled for each shape that comes.

    In evaluation there are shapes of all kinds, each of which would have to be waited for.
    """

    def __init__(self, network: nn.Module, name: str, compiler: Compiler) -> None:
        self.network, self.compiler, self.method = network, compiler, getattr(network, name)
        self.compiled = torch.compile(self.method, backend=compiler.backend, dynamic=False)

    def __call__(self, *inputs: Any) -> Any:
        if self.compiler.gave_up or _twice.get() or not self.network.training:
            return self.method(*inputs)
        try:
            return self.compiled(*inputs)
        except self.compiler.refusals as error:
            self.compiler.give_up(error)
            return self.method(*inputs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """The copied network's own method, as it was: a copy is not called by training."""
        return deepcopy(self.method, memo)
