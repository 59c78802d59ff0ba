"""What `compile=true` does: networks that training calls are compiled by torch.compile, where they stand.

Names in checkpoints stay as they are. Compiled graphs cannot be differentiated twice: what does that runs within
`twice.differentiable_twice`. What is compiled is tried before it is used, gradients included: a graph that fails only
in the middle of a step's backward pass would end the run.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._pytree import tree_leaves, tree_map_only

from atelier.networks.players import Discriminator
from atelier.networks.translator import Translator
from atelier.networks.twice import differentiated_twice

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


class _Pass:
    """A method of one network, in training compiled for each shape that comes.

    In evaluation there are shapes of all kinds, each of which would have to be waited for.
    """

    def __init__(self, network: nn.Module, name: str, compiler: Compiler) -> None:
        self.network, self.compiler, self.method = network, compiler, getattr(network, name)
        self.compiled = torch.compile(self.method, backend=compiler.backend, dynamic=False)
        self.tried: set[Any] = set()

    def __call__(self, *inputs: Any) -> Any:
        if differentiated_twice() or not self.network.training:
            return self.method(*inputs)
        if torch.is_grad_enabled() and not self.compiler.gave_up:
            self._try(inputs)
        if self.compiler.gave_up:
            return self.method(*inputs)
        try:
            with _kept_apart(self.network):
                return self.compiled(*inputs)
        except self.compiler.refusals as error:
            self.compiler.give_up(error)
            return self.method(*inputs)

    def _try(self, inputs: Sequence[Any]) -> None:
        """Once for each graph: run it forwards and backwards, and leave everything as it was."""
        learned = [weights for weights in self.network.parameters() if weights.requires_grad]
        graph = (bool(learned), *map(_kind, tree_leaves(inputs)))
        if graph in self.tried:
            return
        self.tried.add(graph)
        try:
            with _unchanged(self.network):
                copies = tree_map_only(Tensor, _copied, inputs)
                with _kept_apart(self.network):
                    results = [part for part in tree_leaves(self.compiled(*copies)) if _is_differentiable(part)]
                of = [*learned, *filter(_is_differentiable, tree_leaves(copies))]
                if results and of:
                    torch.autograd.grad(results, of, [torch.ones_like(part) for part in results], allow_unused=True)
        except (RuntimeError, AssertionError) as error:  # the latter where a graph meets a layout it was not made for
            self.compiler.give_up(error)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """The copied network's own method, as it was: a copy is not called by training."""
        return deepcopy(self.method, memo)


@contextmanager
def _kept_apart(network: nn.Module) -> Iterator[None]:
    """What a graph keeps of the network's buffers for its backward pass, it keeps a copy of.

    Spectral norm makes copies of the vectors that its next pass will change. Inductor takes them for the same (as of
    torch 2.15), so that of two passes, of real and of generated images, the first could not be differentiated. Other
    hooks on what is kept do not act within it.
    """
    places = {buffer.untyped_storage().data_ptr() for buffer in network.buffers() if buffer.numel()}

    def pack(kept: Tensor) -> tuple[Tensor, int]:
        kept = kept.clone() if kept.untyped_storage().data_ptr() in places else kept.detach()
        return kept, kept._version

    with saved_tensors_hooks(pack, _as_it_was) if places else nullcontext():
        yield


def _as_it_was(packed: tuple[Tensor, int]) -> Tensor:
    """Raises RuntimeError where it was changed since, as autograd does where there are no hooks."""
    kept, version = packed
    if kept._version != version:
        what = f"{kept.dtype} {tuple(kept.shape)}"
        raise RuntimeError(f"what a compiled graph kept, {what}, was changed in place before its backward")
    return kept


@contextmanager
def _unchanged(network: nn.Module) -> Iterator[None]:
    """Keeps the network's buffers, and the random numbers that are next."""
    kept = [(buffer, buffer.clone()) for buffer in network.buffers()]
    devices = {weights.device for weights in network.parameters() if weights.is_cuda}
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            for buffer, before in kept:
                buffer.data.copy_(before)  # unseen by autograd: graphs that are waiting may have kept the buffer


def _kind(part: Any) -> Any:
    """What a graph depends on. (That it runs in half precision does not change in a run.)"""
    return (part.shape, part.stride(), part.dtype, part.requires_grad) if isinstance(part, Tensor) else part


def _copied(tensor: Tensor) -> Tensor:
    """No leaf, which a network that works in place would refuse."""
    return tensor.detach().requires_grad_(tensor.requires_grad).clone()


def _is_differentiable(part: Any) -> bool:
    return isinstance(part, Tensor) and part.requires_grad
