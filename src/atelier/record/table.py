"""The text of `metrics.csv`: how numbers are written, and how a record is read back. Knows no Lightning."""

import csv
import math
from io import StringIO
from pathlib import Path

import numpy as np

from atelier.errors import UserError

COUNTS = ("step", "images_seen")
"""The columns every record begins with. They hold integers."""


def read(path: Path) -> list[dict[str, float]]:
    """The rows as numbers, in the order of their steps. What a step did not log is absent from its row."""
    columns, rows = load(path)
    return [{column: _number(column, cell) for column, cell in zip(columns, row, strict=True) if cell} for row in rows]


def load(path: Path) -> tuple[list[str], list[list[str]]]:
    """The columns, and the cells of every whole row: a killed run's last line may be torn, and is left out.

    Raises `UserError` where the file is no such record.
    """
    whole = _rows(path)
    if not whole or tuple(whole[0][: len(COUNTS)]) != COUNTS:
        raise UserError(f"{path}: not a record of a run: it must begin with {','.join(COUNTS)}")
    columns, *rows = whole
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise UserError(f"{path}, line {number}: {len(row)} cells where {len(columns)} are expected")
        _refuse_words(columns, row, f"{path}, line {number}")
    return columns, rows


def _rows(path: Path) -> list[list[str]]:
    if path.exists() and not path.is_file():  # nor is one waited for that may write into a pipe
        raise UserError(f"{path}: not a record of a run: it is no file")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return list(csv.reader(lines[:-1]))  # what follows the last line end is empty, or torn
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a record of a run ({error})") from error


def _refuse_words(columns: list[str], row: list[str], place: str) -> None:
    for column, cell in zip(columns, row, strict=True):
        try:
            if cell or column == "step":
                _number(column, cell)
        except ValueError as error:
            raise UserError(f"{place}: {column} must be a number, got {cell!r}") from error


def line(cells: list[str]) -> bytes:
    """One line of the file, with its end."""
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()


def text(column: str, value: float) -> str:
    """The shortest text that gives the number back: as float32 if it is one, else as float64."""
    if column in COUNTS:
        return str(int(value))
    value = float(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value or math.isnan(value) else repr(value)


def _number(column: str, cell: str) -> float:
    return int(cell) if column in COUNTS else float(cell)
