"""Scores as a table for people."""

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atelier.cli.scoring.runs import Scored
from atelier.strict_json import to_json

TOLD = (
    "extractor",
    "resize",
    "real_images",
    "generated_images",
    "class_score_splits",
    "neighbours",
    "step",
    "truncation",
    "seed",
    "real_images_would_score",
)
"""Entries of the card that one wants to see beside the scores; `--json` has all."""


def tell(scored: Scored, as_json: bool) -> None:
    """To people, or to programs."""
    if as_json:
        typer.echo(to_json(scored._asdict()))
    else:
        print_scores(scored)


def print_scores(scored: Scored) -> None:
    sheet = Table(box=box.SIMPLE_HEAD)
    sheet.add_column("score")
    sheet.add_column("", justify="right")
    for name, value in scored.scores.items():
        sheet.add_row(escape(name), f"{value:.4g}")
    console = Console()
    console.print(sheet)
    told = {key: scored.card[key] for key in TOLD if scored.card.get(key) is not None}
    line = ", ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in told.items())
    console.print(line, highlight=False, markup=False)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
