"""The board as a table."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from atelier.cli.board.intervals import alike
from atelier.cli.board.row import Row
from atelier.cli.board.scoring import Score

WHOLE = 1000
"""Characters of a line that nobody cuts."""

CAPTION = "best in bold; ≈ may be as good, with other contents and styles; {0}: 95 % intervals"


def print_sheet(rows: Sequence[Row]) -> None:
    """With intervals where a terminal is wide enough for them, and in whatever is none."""
    console = Console()
    if not console.is_terminal:
        console.width = WHOLE
    table = sheet(rows)
    fits = Measurement.get(console, console.options.update(max_width=WHOLE), table).maximum <= console.width
    console.print(table if fits else sheet(rows, intervals=False))


def sheet(rows: Sequence[Row], intervals: bool = True) -> Table:
    """A row for each method, in their order."""
    best = {name: best_of(rows, name) for name in rows[0].scores}
    caption = CAPTION.format("beside" if intervals else "a wider terminal or --json has")
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    table.add_column("method", overflow="fold")
    for name, score in rows[0].scores.items():
        table.add_column(f"{name.replace('_', ' ')} {arrow(score)}", justify="right", overflow="fold")
    for head in ("ms a picture", "ms a style", "peak MiB"):
        table.add_column(head, justify="right")
    for row in rows:
        cells = [_cell(row, name, best[name], intervals) for name in row.scores]
        peak = "–" if row.cost.peak_bytes is None else f"{row.cost.peak_bytes / 2**20:,.0f}"
        costs = [f"{row.cost.milliseconds:,.1f}", f"{row.cost.study_milliseconds:,.1f}", peak]
        table.add_row(_name(row), *cells, *costs)
    return table


def best_of(rows: Sequence[Row], name: str) -> Row | None:
    """Of those that have all styles; None where no two do."""
    rivals = [row for row in rows if row.whole]
    if len(rivals) < 2:
        return None
    return min(rivals, key=lambda row: row.scores[name].value * (-1 if row.scores[name].higher_is_better else 1))


def arrow(score: Score) -> str:
    return "↑" if score.higher_is_better else "↓"


def _name(row: Row) -> str:
    if row.whole:
        return escape(row.name)
    more = ", …" if len(row.styles) > 3 else ""
    return escape(f"{row.name} (only in {', '.join(row.styles[:3])}{more})")


def _cell(row: Row, name: str, best: Row | None, interval: bool) -> str:
    score = row.scores[name]
    text = f"{score.value:.4g}"
    if row is best:
        text = f"[bold]{text}[/bold]"
    elif best is not None and row.whole and score.low is not None and alike(score.drawn, best.scores[name].drawn):
        text = f"≈{text}"
    return text if score.low is None or not interval else text + f" {score.low:.3g} – {score.high:.3g}"
