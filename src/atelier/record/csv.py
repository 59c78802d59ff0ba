"""`metrics.csv`: one row per logged step, whole to the last step however the run ends."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only

from atelier.errors import UserError
from atelier.files import replacing
from atelier.record import table
from atelier.record.loggers import RunLogger
from atelier.run_folder import METRICS


class CsvRecord(RunLogger):
    """Columns `step`, `images_seen`, then the others as they are first seen; metrics of one step share a row.

    A row reaches the file when it is logged. With `resume_step` an interrupted run's record goes on: what it
    logged after that step is forgotten, so that the file ends up, byte for byte, as if nothing had happened.
    Without it the record begins anew.
    """

    def __init__(self, folder: Path, resume_step: int | None = None) -> None:
        super().__init__()
        self.path = Path(folder) / METRICS
        self.resume_step = resume_step
        self._columns: list[str] = []  # none before the first row is logged
        self._row: dict[str, str] = {}  # the last row, and where in the file it starts
        self._start = 0

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.path.parent)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Not of this file: the run folder holds the config."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add to the row of `step`, which is the last logged one or comes after it."""
        if step is None:
            raise ValueError("a row of metrics.csv needs a step")
        if not self._columns:
            self._begin()
        values = {"step": step, **metrics}
        values.pop("epoch", None)  # Lightning adds it; the stream of batches is one endless epoch
        cells = {column: table.text(column, value) for column, value in values.items()}
        if unseen := [column for column in cells if column not in self._columns]:
            self._widen(unseen)
        self._put(cells)

    def _begin(self) -> None:
        columns: list[str] = list(table.COUNTS)
        rows: list[list[str]] = []
        if self.resume_step is not None and self.path.exists():
            columns, rows = self._former()
            rows = [row for row in rows if int(row[0]) <= self.resume_step]
        # A column first seen after that step must be forgotten too: the order of columns depends on it.
        kept = [i for i, name in enumerate(columns) if name in table.COUNTS or any(row[i] for row in rows)]
        self._columns = [columns[i] for i in kept]
        self._write([[row[i] for i in kept] for row in rows])

    def _former(self) -> tuple[list[str], list[list[str]]]:
        try:
            return table.load(self.path)
        except UserError as error:
            raise UserError(f"{error}; moved away, the run goes on, and its record begins there") from error

    def _widen(self, unseen: list[str]) -> None:
        _, rows = table.load(self.path)
        self._columns += unseen
        self._write([row + [""] * len(unseen) for row in rows])

    def _write(self, rows: list[list[str]]) -> None:
        """Replace the whole file."""
        lines = [table.line(cells) for cells in [self._columns, *rows]]
        with replacing(self.path) as partial:
            partial.write_bytes(b"".join(lines))
        self._row = dict(zip(self._columns, rows[-1], strict=True)) if rows else {}
        self._start = sum(map(len, lines[:-1]))

    def _put(self, cells: dict[str, str]) -> None:
        """Append a row, or write over the last one if it is of the same step."""
        last = self._row.get("step", "-1")
        if int(cells["step"]) < int(last):
            raise ValueError(f"steps only rise: step {cells['step']} was logged after step {last}")
        again = cells["step"] == last
        former = table.line(self._cells())
        self._row = {**self._row, **cells} if again else cells
        line = table.line(self._cells())
        if again and len(line) < len(former):
            # A number was logged twice: written over, the end of the former row would follow, if only until it is cut.
            _, rows = table.load(self.path)
            self._write([*(row for row in rows if row[0] != cells["step"]), self._cells()])
            return
        # A row that covers another is no shorter and written at once: a kill leaves one of them, whole.
        with self.path.open("r+b" if again else "ab") as file:
            self._start = file.seek(self._start) if again else file.tell()
            file.write(line)

    def _cells(self) -> list[str]:
        """Those of the last row."""
        return [self._row.get(column, "") for column in self._columns]
