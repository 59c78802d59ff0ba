"""How faults are put: keys, values as YAML writes them, and the name that was probably meant."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile
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


def told_apart(names: Sequence[str], longest: int) -> list[str]:
    """The names; where one is longer than that, all without the parts that they begin and end with alike, and cut in
    the middle. One that would then be called as another stays as long as it is.
    """
    if max(map(len, names), default=0) <= longest:
        return [*names]
    start = _alike(names)
    rest = [name[start:] for name in names]
    end = _alike([name[::-1] for name in rest])
    own = [f"{'…' * (start > 0)}{name[: len(name) - end]}{'…' * (end > 0)}" for name in rest]
    short = [cut(name, longest) for name in own]
    return [one if short.count(one) == 1 else name for one, name in zip(short, own, strict=True)]


def _alike(names: Sequence[str]) -> int:
    """Letters of the whole parts that all names begin with; of one alone there are none."""
    together = zip(*names, strict=False) if len(names) > 1 else ()
    shared = "".join(first for first, *others in takewhile(lambda letters: len({*letters}) == 1, together))
    return 1 + max(shared.rfind(between) for between in "/, ")


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and end."""
    return text if len(text) <= longest else f"{text[: longest // 2]}…{text[len(text) - (longest - 1) // 2 :]}"


def show(value: object) -> str:
    """A value as YAML would write it, cut when long."""
    words: dict[Any, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def first_line(error: BaseException) -> str:
    """Of what an error says; its type, where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
