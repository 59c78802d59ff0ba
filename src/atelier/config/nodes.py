"""The faults that can be seen without building anything: each node against the signature that it names."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import NoneType
from typing import Any, Literal, get_args

from atelier.config.hints import advice, alternatives, describe, elements, kind, suits
from atelier.config.targets import Target, TargetError, arguments, inspect_target, is_node
from atelier.config.values import UNKNOWN, Values
from atelier.wording import did_you_mean, join, listed, show

Fault = tuple[str, str]  # full key, what is wrong


class Inspection:
    """Reads values against hints, and nodes against their targets."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def faults(self, value: Any, hint: Any, key: str) -> Iterator[Fault]:
        """Faults of a value for which `hint` asks, and of all that is in it."""
        key = self._values.home(key)
        if value is UNKNOWN:
            return
        if is_node(value):
            yield from self._node(value, hint, key)
            return
        suiting = [option for option in alternatives(hint) if suits(value, option)]
        if not suiting:
            yield key, f"expected {describe(hint)}, got {show(value)}{advice(value, hint)}"
        readings = [list(self._elements(value, option, key)) for option in suiting or [Any]]
        yield from min(readings, key=len)

    def _elements(self, value: Any, option: Any, key: str) -> Iterator[Fault]:
        for child_key, child, hint in elements(value, option, key):
            yield from self.faults(child, hint, child_key)

    def _node(self, node: Mapping[str, Any], hint: Any, key: str) -> Iterator[Fault]:
        try:
            target = inspect_target(node["_target_"])
        except TargetError as error:
            yield join(key, "_target_"), str(error)
            yield from self._elements(arguments(node), Any, key)
            return
        misfit = _misfit(target, bool(node.get("_partial_")), hint)
        if misfit:
            yield key, misfit
        elif not node.get("_partial_") and "_args_" not in node:
            yield from _missing(target, node, key)
        yield from self._arguments(target, arguments(node), key)

    def _arguments(self, target: Target, given: Mapping[str, Any], key: str) -> Iterator[Fault]:
        for name, value in given.items():
            if name not in target.arguments and not target.takes_any:
                near = did_you_mean(name, target.arguments) or f"; it takes {listed(target.arguments) or 'none'}"
                yield join(key, name), f"{target.name} takes no such argument{near}"
            else:
                yield from self.faults(value, target.hints.get(name, Any), join(key, name))


def _missing(target: Target, node: Mapping[str, Any], key: str) -> Iterator[Fault]:
    return (
        (join(key, name), f"required by {target.name}, but not given") for name in target.required() if name not in node
    )


def _misfit(target: Target, is_factory: bool, hint: Any) -> str | None:
    """Why what a node gives is not what `hint` asks for; None where it is, or where that cannot be known."""
    options = alternatives(hint)
    if any(_gives(target, is_factory, option) for option in options):
        return None
    given = target.product.__name__ if target.product else target.name
    factories = any(kind(option) is Callable for option in options)
    if is_factory:
        return f"expected {describe(hint)}, got a factory of {given}{'' if factories else '; remove _partial_'}"
    return f"expected {describe(hint)}, got {given}{'; add _partial_: true' if factories else ''}"


def _gives(target: Target, is_factory: bool, option: Any) -> bool:
    """Whether a node may give what one alternative of a hint asks for."""
    wanted = kind(option)
    if wanted is Any:
        return True
    if wanted in (None, NoneType, Literal):
        return False
    if wanted is Callable and is_factory:
        return _related(target.product, (get_args(option) or (Any,))[-1])
    if is_factory and inspect.isclass(wanted):
        return _is_protocol(wanted) or issubclass(partial, wanted)
    return _related(target.product, wanted)


def _related(product: type | None, wanted: Any) -> bool:
    """Whether an instance of one may be an instance of the other. What is not known may be anything."""
    if product is None or wanted is Any or not inspect.isclass(wanted) or _is_protocol(wanted):
        return True
    if wanted is float and issubclass(product, int):
        return True
    return issubclass(product, wanted) or issubclass(wanted, product)


def _is_protocol(wanted: type) -> bool:
    return bool(getattr(wanted, "_is_protocol", False))
