"""How faults are put: keys, values as YAML writes them, and the name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_LONGEST = 60


def join(key: str, name: str) -> str:
    """The key of `name` below `key`; either may be empty, and `name` may begin with an index."""
    return f"{key}.{name}" if key and name and not name.startswith("[") else f"{key}{name}"


def item(key: str, index: int) -> str:
    return f"{key}[{index}]"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing where no name is near."""
    near = get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def no_such_option(group: str, name: str, options: Iterable[str], source: str = "") -> str:
    """One line for `group=name` where there is none; `source` is who asks for it, where the user does not."""
    options = list(options)
    choices = f" (choices: {listed(options)})" if options else ""
    return f"{group}={name}: no such {group}{source}{did_you_mean(name, options)}{choices}"


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 image`, `1,000 images`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def show(value: object) -> str:
    """A value as YAML would write it, cut when long."""
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
