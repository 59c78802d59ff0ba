"""Several runs and what they scored, as far as it can be compared. Reads records only, and needs no torch."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.markup import escape
from rich.table import Table

from atelier.cards import CONCERNS, MEASURES, NO_MATTER
from atelier.errors import UserError
from atelier.record import table
from atelier.run_folder import METRICS, RECORD, facts, known_as
from atelier.wording import did_you_mean

HIGHER_IS_BETTER = (
    "is",
    "class_score",
    "precision",
    "recall",
    "density",
    "coverage",
    "modes",
    "good_samples",
    "lpips_diversity",
    "psnr",
    "ssim",
)
"""How the names of scores end of which one wants much; of all others one wants little."""

PREFIX = "val/"


class NoScoresError(UserError):
    """The run has come to none yet, or makes none."""


class Point(NamedTuple):
    step: int
    images: int
    value: float


class Entry(NamedTuple):
    """A run: its name, the protocol of its scores, which of them chose its best checkpoint, and each one's course.

    Scores of a run that went on with another protocol are those since then.
    """

    name: str
    status: str
    card: dict[str, Any]
    monitor: str | None
    curves: dict[str, list[Point]]

    def best(self, metric: str) -> Point:
        finite = [point for point in self.curves[metric] if math.isfinite(point.value)] or self.curves[metric]
        return max(finite, key=lambda point: point.value) if is_high(metric) else min(finite, key=lambda p: p.value)


def entries(runs: Sequence[Path]) -> list[Entry]:
    """Raises NoScoresError for what has none, or has not begun, and UserError for a record that cannot be read."""
    names = _names(runs)
    return [_entry(run, name) for run, name in zip(runs, names, strict=True)]


def metric_of(found: Sequence[Entry], wanted: str | None) -> str:
    """The metric that is meant, which all runs must have. Raises UserError naming those that they have."""
    first, *others = found
    common = [name for name in first.curves if all(name in other.curves for other in others)]
    if not common:
        raise UserError("--metric: these runs have no score in common")
    if wanted is None:
        return first.monitor if first.monitor in common else common[0]
    name = wanted.removeprefix(PREFIX)
    if name in common:
        return name
    known = list(dict.fromkeys(name for entry in found for name in entry.curves))
    if name in known:
        without = ", ".join(entry.name for entry in found if name not in entry.curves)
        raise UserError(f"--metric: there is no {name} in {without}; all of these runs have {common}")
    raise UserError(f"--metric: all of these runs have {common}, got {wanted!r}{did_you_mean(name, known)}")


def differences(found: Sequence[Entry], metric: str) -> list[str]:
    """Where the cards differ in what matters for this score, in words."""
    others = _of_other_scores(found, metric)
    cards = {entry.name: _of_score(entry.card, metric) for entry in found}
    keys = list(dict.fromkeys(key for card in cards.values() for key in card if key not in NO_MATTER | others))
    told = []
    for key in keys:
        values = {name: card.get(key) for name, card in cards.items()}
        if len({json.dumps(value) for value in values.values()}) > 1:
            told.append(f"{key} is " + ", ".join(f"{_short(value)} in {name}" for name, value in values.items()))
    return told


def _of_other_scores(found: Sequence[Entry], metric: str) -> set[str]:
    """Entries that concern scores beside this one, and not this one; what one card says of them holds for all."""
    kind = metric.partition("/")[0]
    concerns = [pair for entry in found for pair in entry.card.get(CONCERNS, {}).items()]
    own = {key for name, keys in concerns if name == kind for key in keys}
    return {key for _, keys in concerns for key in keys} - own


def _of_score(card: dict[str, Any], metric: str) -> dict[str, Any]:
    """The card with the protocol of this score alone, where each has one of its own."""
    measures = card.get(MEASURES, {})
    own = metric.removeprefix("input_")
    return {**card, MEASURES: measures[own]} if own in measures else card


def ranked(found: Sequence[Entry], metric: str) -> list[Entry]:
    """Best first; a run whose score was never finite comes last."""

    def rank(entry: Entry) -> tuple[bool, float]:
        value = entry.best(metric).value
        return not math.isfinite(value), -value if is_high(metric) else value

    return sorted(found, key=rank)


def sheet(found: Sequence[Entry], metric: str, numbered: bool) -> Table:
    way = "higher is better" if is_high(metric) else "lower is better"
    columns = Table(box=box.SIMPLE_HEAD, title=escape(f"{metric} ({way})"), title_justify="left")
    for name in ("", "run", "best", "at step", "images seen", "last", "seed", "status"):
        columns.add_column(name, justify="left" if name in ("run", "status") else "right", overflow="fold")
    for place, entry in enumerate(found, start=1):
        best, last = entry.best(metric), entry.curves[metric][-1]
        columns.add_row(
            str(place) if numbered else "–", escape(entry.name), f"{best.value:.4g}", f"{best.step:,}",
            f"{best.images:,}", f"{last.value:.4g}", str(entry.card.get("seed", "")), escape(entry.status),
        )  # fmt: skip
    return columns


def record(found: Sequence[Entry], metric: str, unlike: Sequence[str]) -> dict[str, Any]:
    """What `sheet` shows, as JSON has it, with each run's card; `not_comparable` says why they have no ranks."""
    runs = [
        {
            "name": entry.name, "best": entry.best(metric)._asdict(), "last": entry.curves[metric][-1]._asdict(),
            "status": entry.status, "card": entry.card,
        }
        for entry in found
    ]  # fmt: skip
    return {"metric": metric, "higher_is_better": is_high(metric), "not_comparable": unlike, "runs": runs}


def is_high(metric: str) -> bool:
    metric = metric.partition("/")[0]  # of what follows, a class's name, one knows nothing
    return any(metric == ending or metric.endswith(f"_{ending}") for ending in HIGHER_IS_BETTER)


def _entry(run: Path, name: str) -> Entry:
    if absent := [part for part in (RECORD, METRICS) if not (run / part).exists()]:
        raise NoScoresError(f"{run}: not a run folder that has begun: no {absent[0]} in it")
    record = facts(run)
    rows = [row for row in table.read(run / METRICS) if row["step"] >= record.get("card_since", 0)]
    curves: dict[str, list[Point]] = {}
    for row in rows:
        for column, value in row.items():
            if column.startswith(PREFIX) and not column.startswith("val/real_logits"):
                point = Point(int(row["step"]), int(row["images_seen"]), value)
                curves.setdefault(column.removeprefix(PREFIX), []).append(point)
    if not curves:
        raise NoScoresError(
            f"{run}: has no scores: it was made with metrics=none, or has not come to a validation with its metrics yet"
        )
    return Entry(name, record.get("status", "unknown"), record.get("card") or {}, record.get("monitor"), curves)


def _names(runs: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as many as tell them apart. Raises UserError for a run that is named twice."""
    places = [os.path.realpath(run) for run in runs]  # whatever link or way leads there
    if twice := [run for number, run in enumerate(runs) if places[number] in places[:number]]:
        raise UserError(f"RUNS: {twice[0]} is named twice")
    paths = [known_as(run).parts for run in runs]
    longest = max(map(len, paths))
    depth = next((n for n in range(2, longest) if len({path[-n:] for path in paths}) == len(paths)), longest)
    return ["/".join(path[-depth:]) for path in paths]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 24 else f"{text[:20]}…"
