"""What a `_target_` names: the object itself, the arguments that it takes, the class of what it gives."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from types import ModuleType
from typing import Any, get_type_hints

from atelier.wording import did_you_mean, show

RESERVED = {"_target_", "_partial_", "_recursive_", "_convert_", "_args_"}
_BY_KEYWORD = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


class TargetError(Exception):
    """A dotted path leads nowhere; the message says where it ends."""


@dataclass(frozen=True)
class Target:
    """A class or function, as far as it can be known without calling it."""

    name: str
    arguments: Mapping[str, inspect.Parameter]  # those that a keyword can give
    hints: Mapping[str, Any]  # of some arguments or of all
    takes_any: bool  # it has **kwargs, or its signature cannot be read
    product: type | None  # the class of what a call gives; None: not known

    def required(self) -> Iterator[str]:
        return (name for name, argument in self.arguments.items() if argument.default is argument.empty)


def is_node(value: object) -> bool:
    return isinstance(value, Mapping) and "_target_" in value


def arguments(node: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments that a node gives."""
    return {name: value for name, value in node.items() if name not in RESERVED}


def inspect_target(path: str) -> Target:
    """Raises TargetError."""
    target = locate(path)
    parameters = _parameters(target)
    named = {name: parameter for name, parameter in (parameters or {}).items() if parameter.kind in _BY_KEYWORD}
    hints = _hints(target)
    return Target(
        name=target.__name__ if inspect.isclass(target) else path.rpartition(".")[2],
        arguments=named,
        hints={name: hint for name, hint in hints.items() if name in named},
        takes_any=parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters.values()),
        product=_product(target, hints),
    )


def locate(path: str) -> Any:
    """The class or function that a dotted path names, its module imported.

    Raises TargetError. A failure inside a module that exists is not the config's fault and is passed on.
    """
    if not isinstance(path, str) or not all(part.isidentifier() for part in path.split(".")):
        raise TargetError(f"{show(path)} is not a dotted path")
    first, *rest = path.split(".")
    found: Any = _module(first)
    if found is None:
        raise TargetError(f"there is no package {first!r}")
    owner = first
    for name in rest:
        found = _member(found, owner, name)
        owner = f"{owner}.{name}"
    if not callable(found):
        raise TargetError(f"{path} is a {type(found).__name__}, not a class or a function")
    return found


def _member(found: Any, owner: str, name: str) -> Any:
    if hasattr(found, name):
        return getattr(found, name)
    module = _module(f"{owner}.{name}") if isinstance(found, ModuleType) else None
    if module is None:
        raise TargetError(f"{owner} has no {name!r}{did_you_mean(name, _names(found))}")
    return module


def _module(path: str) -> ModuleType | None:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:  # the module is there, and needs one that is not
            raise
        return None


def _names(found: Any) -> list[str]:
    modules = [module.name for module in pkgutil.iter_modules(getattr(found, "__path__", []))]
    return [*modules, *(name for name in dir(found) if not name.startswith("_"))]


def _parameters(target: Any) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(target).parameters
    except (ValueError, TypeError):  # some builtins have none
        return None


def _hints(target: Any) -> dict[str, Any]:
    try:
        return get_type_hints(_annotated(target))
    except Exception:  # a name that only type checkers import, a string that is no type: then names alone are checked
        return {}


def _annotated(target: Any) -> Any:
    """What carries the annotations of a target's arguments."""
    if not inspect.isclass(target):
        return target
    if is_dataclass(target) or hasattr(target, "_fields"):  # inherited fields were written in other modules
        return target
    return target.__init__ if target.__init__ is not object.__init__ else target.__new__


def _product(target: Any, hints: Mapping[str, Any]) -> type | None:
    if inspect.isclass(target):
        return target
    given = hints.get("return")
    return given if inspect.isclass(given) and given is not object else None
