"""A sweep's report as a table, on the screen and in Markdown."""

import re
from collections import Counter
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from atelier.cli.sweep.report import Group, Report, Row, reason

HEADS = ("", "overrides", "score", "±", "best", "jobs")


def sheet(found: Report) -> Table:
    """A row for each group, best first."""
    title = f"{found.metric} ({found.way})" if found.metric else "no scores yet"
    table = Table(box=box.SIMPLE_HEAD, title=escape(title), title_justify="left")
    for head in HEADS:
        table.add_column(head, justify="left" if head in ("overrides", "jobs") else "right", overflow="fold")
    for cells in _cells(found):
        table.add_row(*map(escape, cells))
    return table


def unfinished(found: Report) -> list[str]:
    """A line for each job that has begun and is not over."""
    return [f"{row.job.status}: {_title(row)}: {reason(row)}" for row in found.open]


def left_out(found: Report) -> list[str]:
    """A line for each job whose run has scores, but not this one, or whose record cannot be read."""
    without = [f"without {found.metric}: {_title(row)}" for row in found.without]
    return [*without, *(f"damaged: {_title(row)}: {row.damage}" for row in found.damaged)]


def markdown(found: Report, picture: str) -> str:
    """The same with the picture, for a page."""
    lines = [f"# {found.folder.name}", "", f"{len(found.rows)} jobs: {found.counts}.", ""]
    if found.metric:
        lines += [f"Score: {found.metric}, {found.way}; mean ± standard deviation over seeds.", ""]
    if found.unlike:
        lines += [f"Not ranked, for the scores are of different kinds: {'; '.join(found.unlike)}.", ""]
    lines += [_line(HEADS), _line(["---"] * len(HEADS)), *map(_line, _cells(found)), ""]
    if found.open:
        lines += ["## Not finished", "", *(f"* {line}" for line in unfinished(found)), ""]
    if left := left_out(found):
        lines += ["## Left out", "", *(f"* {line}" for line in left), ""]
    return "\n".join([*lines, _shown(picture), ""])


def is_page(path: Path, picture: str) -> bool:
    """Whether a file is such a report, with this picture. Raises OSError."""
    return path.read_bytes().endswith(f"{_shown(picture)}\n".encode())


def _shown(picture: str) -> str:
    return f"![scores]({picture})"


def short(overrides: str) -> str:
    """With numbers that a search has drawn cut to four digits: enough to tell them apart."""
    return re.sub(r"(?<==)-?\d+\.\d{6,}(e-?\d+)?(?!\S)", lambda number: f"{float(number[0]):.4g}", overrides)


def _cells(found: Report) -> list[list[str]]:
    return [
        [
            str(number) if group.scores and not found.unlike else "–",
            short(group.name),
            _number(group.mean),
            _number(group.deviation),
            _number(_best(group, found)),
            _jobs(group),
        ]
        for number, group in enumerate(found.groups, start=1)
    ]


def _best(group: Group, found: Report) -> float | None:
    pick = max if found.way.startswith("higher") else min
    return pick(group.scores) if group.scores else None


def _jobs(group: Group) -> str:
    counts = Counter(row.job.status for row in group.rows)
    return ", ".join(f"{count} {status}" for status, count in counts.most_common())


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _title(row: Row) -> str:
    return short(" ".join([*row.words, *_seed(row.seed)]))


def _seed(seed: str | None) -> list[str]:
    return [] if seed is None else [f"seed={seed}"]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
