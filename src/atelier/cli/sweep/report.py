"""A sweep as its ledger and its runs tell it: jobs, and groups of jobs that differ in their seeds alone."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from atelier.cli.comparing.standings import PREFIX, Entry, NoScoresError, Point, differences, entries, is_high
from atelier.errors import UserError
from atelier.sweeps.ledger import OVER, Job, Ledger, place
from atelier.sweeps.names import varying
from atelier.sweeps.reasons import gist
from atelier.wording import did_you_mean, listed


class Row(NamedTuple):
    """A job: what of its overrides differs from other jobs', and its seed; its score is None where it made none.

    `damage` is why its run's record cannot be read, without which nobody knows what its score can be held against.
    """

    words: list[str]
    seed: str | None
    job: Job
    entry: Entry | None
    score: float | None
    damage: str | None = None

    @property
    def counts(self) -> bool:
        """Whether its score is one that others can be held against: that of a whole run."""
        return self.score is not None and self.job.status == "done"

    def curve(self, metric: str) -> list[Point]:
        """What can be drawn of it."""
        points = self.entry.curves.get(metric, []) if self.entry else []
        return [point for point in points if math.isfinite(point.value)]


class Group(NamedTuple):
    """Jobs that differ in their seeds alone."""

    name: str
    rows: list[Row]

    @property
    def scores(self) -> list[float]:
        return [row.score for row in self.rows if row.counts and row.score is not None]

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.scores) if self.scores else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation over seeds; None for one alone."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None


class Report(NamedTuple):
    """Groups best first, those without a score last. `unlike` says in what the runs' scores cannot be compared."""

    folder: Path
    metric: str | None
    groups: list[Group]
    unlike: list[str]

    @property
    def rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]

    @property
    def open(self) -> list[Row]:
        """Those of which one wants to know why they have no score of a whole run."""
        return [row for row in self.rows if row.job.status not in (*OVER, "pending")]

    @property
    def without(self) -> list[Row]:
        """Jobs that are over or not, whose runs have scores, but none of the metric."""
        return [row for row in self.rows if row.entry and self.metric not in row.entry.curves]

    @property
    def damaged(self) -> list[Row]:
        return [row for row in self.rows if row.damage]

    @property
    def counts(self) -> str:
        found = Counter(row.job.status for row in self.rows)
        return ", ".join(f"{count} {status}" for status, count in found.most_common())

    @property
    def way(self) -> str:
        return "higher is better" if self.metric and is_high(self.metric) else "lower is better"

    def record(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        groups = [
            {
                "overrides": group.name, "score": group.mean, "deviation": group.deviation,
                "jobs": [_record(row, self.folder) for row in group.rows],
            }
            for group in self.groups
        ]  # fmt: skip
        return {"folder": str(self.folder), "metric": self.metric, "not_comparable": self.unlike, "groups": groups}


def report(folder: Path, metric: str | None = None) -> Report:
    """`metric` is a score of the runs, else what chose their best. Raises UserError for what is no sweep's folder."""
    if not folder.is_dir():
        raise UserError(f"FOLDER: no such folder: {str(folder)!r}")
    jobs = Ledger(folder).jobs()
    if not jobs:
        raise UserError(f"FOLDER: {str(folder)!r} is no sweep's folder: it has no sweep.json")
    found = [_entry(folder, job) for job in jobs]
    scored = [entry for entry in found if isinstance(entry, Entry)]
    name = _metric(scored, metric) if scored else None
    having = [entry for entry in scored if name in entry.curves]
    chose = {entry.monitor for entry in scored}
    usual = chose.pop() if len(chose) == 1 else None
    words = varying([[word for word in job.overrides if not _is_seed(word)] for job in jobs])
    rows = [_row(*of_job, name, usual) for of_job in zip(words, jobs, found, strict=True)]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(" ".join(row.words) if len({*map(tuple, words)}) > 1 else "all jobs", []).append(row)
    ranked = sorted((Group(*group) for group in groups.items()), key=lambda group: _rank(group, name))
    return Report(folder, name, ranked, differences(having, name) if name else [])


def reason(row: Row) -> str:
    """Why a job has no score of a whole run, in one line."""
    job = row.job
    if job.status == "running":
        return f"{place(job.owner)} is at it"
    if job.status == "pending":
        return "not begun"
    if job.status == "interrupted" and job.reason is None:
        return f"ended without a word ({place(job.owner)}); the sweep goes on with it"
    return gist(job.reason)


def _entry(folder: Path, job: Job) -> Entry | UserError | None:
    """None where the job never came to a validation, and the error where its record cannot be read."""
    if job.folder is None:
        return None
    try:
        return entries([folder / job.folder])[0]
    except NoScoresError:
        return None
    except UserError as error:
        return error


def _row(words: list[str], job: Job, found: Entry | UserError | None, metric: str | None, usual: str | None) -> Row:
    """`usual` chose the best of jobs whose record does not say what did."""
    if isinstance(found, UserError):
        return Row(words, _seed(job), job, None, None, damage=str(found))
    return Row(words, _seed(job), job, found, _score(job, found, metric, found.monitor if found else usual))


def _metric(scored: Sequence[Entry], wanted: str | None) -> str:
    """The score that is meant, of those that any of the jobs has; without one, what chose the best of most of them.

    Raises UserError naming those that there are.
    """
    known = list(dict.fromkeys(name for entry in scored for name in entry.curves))
    if wanted is None:
        chose = Counter(entry.monitor for entry in scored if entry.monitor in known) or Counter(known)
        return str(chose.most_common(1)[0][0])
    name = wanted.removeprefix(PREFIX)
    if name not in known:
        raise UserError(f"--metric: these jobs have {listed(known)}, got {wanted!r}{did_you_mean(name, known)}")
    return name


def _score(job: Job, entry: Entry | None, metric: str | None, monitor: str | None) -> float | None:
    """By the ledger, which has the `monitor`, where that is the metric; else by the record, of its steps so far."""
    if math.isfinite(job.score) and monitor == metric:
        return job.score
    if entry is None or metric is None or metric not in entry.curves:
        return None
    best = entry.best(metric).value
    return best if math.isfinite(best) else None


def _rank(group: Group, metric: str | None) -> tuple[bool, float]:
    if group.mean is None:
        return True, 0.0
    return False, -group.mean if metric and is_high(metric) else group.mean


def _record(row: Row, folder: Path) -> dict[str, Any]:
    job = row.job
    return {
        "overrides": job.overrides, "seed": row.seed, "status": job.status, "score": row.score,
        "folder": None if job.folder is None else str(folder / job.folder), "tries": job.tries,
        "reason": row.damage or (None if job.status in OVER else reason(row)),
    }  # fmt: skip


def _is_seed(word: str) -> bool:
    return word.startswith("seed=")


def _seed(job: Job) -> str | None:
    seeds: Sequence[str] = [word.removeprefix("seed=") for word in job.overrides if _is_seed(word)]
    return seeds[-1] if seeds else None
