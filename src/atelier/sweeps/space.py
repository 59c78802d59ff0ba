"""Hydra's words for what is swept over, as Optuna's distributions and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from atelier.errors import UserError
from atelier.sweeps.grid import values

if TYPE_CHECKING:  # Optuna is an extra: it is imported when a study begins
    from optuna.distributions import BaseDistribution


class Axis(NamedTuple):
    """One key of a search. Where it has `ticks`, the distribution is of their places."""

    distribution: BaseDistribution
    ticks: list[float] | None = None

    def text(self, value: Any) -> str:
        """The value as the right-hand side of an override."""
        return str(value if self.ticks is None else self.ticks[value])


def space(overrides: Sequence[Override]) -> tuple[dict[str, Axis], list[str]]:
    """What is searched, by key; and the overrides that all trials share. Raises UserError for what cannot be searched.

    Ends are exclusive, as they are in Hydra: range(1, 6) is 1 to 5, interval(1, 6) is below 6.
    """
    axes, fixed = {}, []
    for override in overrides:
        if override.is_sweep_override():
            axes[override.get_key_element()] = _axis(override)
        else:
            fixed += values(override)
    return axes, fixed


def _axis(override: Override) -> Axis:
    from optuna.distributions import CategoricalDistribution

    sweep = override.value()
    if isinstance(sweep, IntervalSweep | RangeSweep):
        try:
            return _interval(sweep) if isinstance(sweep, IntervalSweep) else _range(sweep)
        except ValueError as error:  # Optuna's, for what is empty, or logarithmic and not positive
            raise UserError(f"{override.input_line}: {error}") from error
    name = override.get_key_element()
    return Axis(CategoricalDistribution([choice.removeprefix(f"{name}=") for choice in values(override)]))


def _interval(sweep: IntervalSweep) -> Axis:
    from optuna.distributions import FloatDistribution, IntDistribution

    start, end, log = sweep.start, sweep.end, "log" in sweep.tags
    assert start is not None
    assert end is not None
    if start >= end:
        raise ValueError(f"an interval must rise, got {start} to {end}")
    if isinstance(start, int) and isinstance(end, int):
        return Axis(IntDistribution(start, end - 1, log=log))
    return Axis(FloatDistribution(start, math.nextafter(end, start), log=log))


def _range(sweep: RangeSweep) -> Axis:
    from optuna.distributions import IntDistribution

    ticks, log = sorted(sweep.range()), "log" in sweep.tags
    if not ticks:
        raise ValueError("a range must not be empty")
    if isinstance(ticks[0], int):
        step = abs(int(sweep.step))
        if log and step != 1:
            raise ValueError("a logarithmic range has steps of 1")
        return Axis(IntDistribution(ticks[0], ticks[-1], log=log, step=step))
    if log:
        raise ValueError("a range of broken numbers is not logarithmic; tag(log, interval(a, b)) is")
    return Axis(IntDistribution(0, len(ticks) - 1), ticks)  # steps of broken numbers do not add up to the last tick
