"""Which plain values suit which hints: no false alarms on what third parties write, no blind eye on what we do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, TypeVar, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor

from atelier.config.hints import advice, alternatives, describe, suits

Anything = TypeVar("Anything")
Steps = NewType("Steps", int)


class Options(TypedDict):
    size: int


SUITED = [
    (1, float),
    (1, Steps),
    (1, Annotated[int, "steps"]),
    (1, Anything),
    (1, Any),
    (1, object),
    (None, Optional[int]),  # noqa: UP045
    (None, None),
    ("a", str | Path),
    ("a", Path),
    ("bf16", Union[Literal[64, 32], Literal["bf16"], None]),  # noqa: UP007
    ([1], list),
    ([1], list[str]),  # the elements are read one by one
    ([1, 2], tuple[float, float]),
    ([1, 2, 3], tuple[float, ...]),
    ([1], set[int]),
    ([1], Iterable[int]),
    ({"a": 1}, dict[str, int]),
    ({"a": 1}, Mapping),
    ({"a": 1}, Options),
    (0.5, float | Tensor),
    (1, "a name that cannot be resolved"),
]
UNSUITED = [
    (True, int),
    (True, float),
    (1, bool),
    (1.0, int),
    ("1", int),
    (1, str),
    (None, int),
    (1, Literal[True]),
    (True, Literal[1]),
    (1, Literal["a"]),
    ("abc", list[str]),
    ("abc", Sequence[str]),
    ("abc", Iterable[str]),
    ({"a": 1}, list[str]),
    ({"a": 1}, Iterable[str]),
    ([1], Mapping[str, int]),
    ([1], tuple[int, int]),
    ([1], int),
    (1, Tensor),
    ("a", Callable[[int], int]),
]


def fits(value: Any, hint: Any) -> bool:
    return any(suits(value, option) for option in alternatives(hint))


@pytest.mark.parametrize(("value", "hint"), SUITED)
def test_what_suits(value: Any, hint: Any) -> None:
    assert fits(value, hint)


@pytest.mark.parametrize(("value", "hint"), UNSUITED)
def test_what_does_not_suit(value: Any, hint: Any) -> None:
    assert not fits(value, hint)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "int or null"),
        (None | float | str, "float or str or null"),
        (Literal["a", "b"] | None, "one of 'a', 'b' or null"),
        (list[int], "list of int"),
        (tuple[int, str], "list of 2 (int, str)"),
        (tuple[int, ...], "list of int"),
        (Mapping[str, int | None], "mapping to int or null"),
        (dict, "mapping"),
        (Callable[..., Tensor], "a factory of Tensor"),
        (Callable, "a factory"),
        (Tensor, "Tensor"),
    ],
)
def test_a_hint_in_words(hint: Any, words: str) -> None:
    assert describe(hint) == words


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("1e-4", float, " (a string; write 0.0001)"),
        ("64", int, " (a string; write 64)"),
        ("64", float, " (a string; write 64)"),
        ("6.5", int, ""),
        ("None", int | None, " (a string; write null)"),
        ("None", int, ""),
        ("Yes", bool, " (a string; write true)"),
        (64.0, int, "; write 64"),
        (64.5, int, ""),
        ("croop", Literal["crop", "pad"], "; did you mean 'crop'?"),
        ("zzz", Literal["crop", "pad"], ""),
        ([1], int, ""),
    ],
)
def test_what_to_write_instead(value: Any, hint: Any, expected: str) -> None:
    assert advice(value, hint) == expected


plain = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=5,
)


@settings(max_examples=30, database=None)
@given(value=plain)
def test_any_value_and_any_hint_are_read_without_failing(value: Any) -> None:
    for _, hint in SUITED + UNSUITED:
        assert isinstance(fits(value, hint), bool)
        assert isinstance(advice(value, hint), str)
