"""Whether a plain value suits a type hint, and how to say what would.

A hint that is met here for the first time suits everything: a false alarm is worse than a fault found later.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin, is_typeddict

from atelier.wording import did_you_mean, item, join, show

_SCALARS: dict[Any, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (str,), Path: (str,)}
_WORDS = {"none": None, "null": None, "true": True, "yes": True, "false": False, "no": False}


def alternatives(hint: Any) -> list[Any]:
    """The members of a union, or the hint alone; what is wrapped around a hint is taken off."""
    if get_origin(hint) in (Union, UnionType):
        return [option for member in get_args(hint) for option in alternatives(member)]
    if get_origin(hint) is Annotated:
        return alternatives(get_args(hint)[0])
    if isinstance(hint, NewType):
        return alternatives(hint.__supertype__)
    return [Any if isinstance(hint, TypeVar) or hint is object else hint]


def kind(option: Any) -> Any:
    """The bare class of a hint: `list` of `list[int]`."""
    return dict if is_typeddict(option) else get_origin(option) or option


def suits(value: Any, option: Any) -> bool:
    """Whether a scalar, list or mapping suits one alternative, its elements aside."""
    if option is Any:
        return True
    if option in (None, NoneType) or value is None:
        return value is None and option in (None, NoneType)
    if kind(option) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(option))
    if kind(option) in _SCALARS:
        return isinstance(value, _SCALARS[option]) and (option is bool or not isinstance(value, bool))
    if not inspect.isclass(kind(option)):
        return True
    if isinstance(value, Mapping):  # no mapping where a list would do as well: its keys alone would be read
        return _subclass(dict, kind(option)) and not _subclass(list, kind(option))
    if isinstance(value, list):  # lists are all that YAML has
        return _suits_list(len(value), option)
    return _subclass(type(value), kind(option)) and not isinstance(value, str)  # a string is no list of letters


def _suits_list(length: int, option: Any) -> bool:
    if _subclass(kind(option), tuple | set | frozenset):
        return _length(option) in (None, length)
    return _subclass(list, kind(option))


def _length(option: Any) -> int | None:
    """A tuple's length, where its hint fixes it."""
    inner = get_args(option)
    return len(inner) if kind(option) is tuple and inner and inner[-1] is not ... else None


def _subclass(one: type, other: Any) -> bool:
    try:
        return issubclass(one, other)
    except TypeError:  # protocols that are not for run time
        return False


def elements(value: Any, option: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    """(key, value, hint) of each element of a list or mapping."""
    inner = get_args(option) if kind(option) is not Literal else ()
    if isinstance(value, Mapping):
        hint = inner[1] if len(inner) == 2 else Any
        yield from ((join(key, str(name)), child, hint) for name, child in value.items())
    elif isinstance(value, list):
        hints = inner if _length(option) else [inner[0] if inner else Any] * len(value)
        yield from ((item(key, i), child, hint) for i, (child, hint) in enumerate(zip(value, hints, strict=True)))


def describe(hint: Any) -> str:
    """A hint in words: `int or null`, `one of 'crop', 'pad'`, `list of int`."""
    options = alternatives(hint)
    words = [_word(option) for option in options if kind(option) is not Literal and option is not NoneType]
    choices = _choices(options)
    if choices:
        words.append(f"one of {', '.join(show(choice) for choice in choices)}")
    if NoneType in options:
        words.append("null")
    return " or ".join(dict.fromkeys(words))


def _choices(options: list[Any]) -> list[Any]:
    return [choice for option in options if kind(option) is Literal for choice in get_args(option)]


def _word(option: Any) -> str:
    """One alternative, neither null nor a Literal."""
    bare, inner = kind(option), get_args(option)
    if bare is Callable:
        return f"a factory of {describe(inner[1])}" if inner and inner[1] is not Any else "a factory"
    if not inspect.isclass(bare):
        return str(option)
    if suits({}, bare):
        return f"mapping to {describe(inner[1])}" if len(inner) == 2 else "mapping"
    if _length(option):
        return f"list of {len(inner)} ({', '.join(describe(each) for each in inner)})"
    if suits([], bare):
        return f"list of {describe(inner[0])}" if inner else "list"
    return str(bare.__name__)


def advice(value: Any, hint: Any) -> str:
    """What to write instead, where that can be told; or nothing."""
    options = alternatives(hint)
    choices = [choice for choice in _choices(options) if isinstance(choice, str)]
    near = did_you_mean(value, choices) if isinstance(value, str) else ""
    if near:
        return near
    if isinstance(value, float) and int in options and value.is_integer():
        return f"; write {int(value)}"
    if isinstance(value, str):
        plain = _unquoted(value, options)
        return f" (a string; write {plain})" if plain else ""
    return ""


def _unquoted(text: str, options: list[Any]) -> str | None:
    """What a string stands for, when that is what is wanted: people quote numbers, and write `None` for null."""
    readings: list[Callable[[str], Any]] = [lambda text: _WORDS[text.lower()], int, float]
    for read in readings:
        with suppress(KeyError, ValueError):
            value = read(text)
            if any(suits(value, option) for option in options if option is not Any):
                return show(value)
    return None
