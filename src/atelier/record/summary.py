"""The last word of a run: what came of it, and what one can do with it."""

import os
import shlex
from itertools import zip_longest
from math import isnan, nan
from pathlib import Path
from typing import Any, Literal

from rich.text import Text

from atelier import run_folder
from atelier.record import table
from atelier.record.console import console
from atelier.record.display import duration
from atelier.record.wandb_facts import sweep

Makes = Literal["samples", "any style", "learned styles", "picture", "translations", "whole pictures"]
"""What a run's task makes, as `run.json` has it: images of nothing but chance, contents in the style of any picture or
in the styles that it has learned, the one picture that lies in its folder, pictures of another domain, or what damaged
pictures were."""

ASKED: dict[Makes, str] = {
    "samples": "atelier sample {run}",
    "any style": "atelier stylize {run} --content … --style …",
    "learned styles": "atelier stylize {run} --content …",
    "translations": "atelier translate {run} …",
    "whole pictures": "atelier restore {run} …",
}


def summary(run: Path, monitor: str | None = None) -> None:
    """Print what the run folder tells of its run. `monitor` is the score that chose the best: the lowest."""
    console.print(describe(run, monitor), soft_wrap=True)  # a command that is folded cannot be copied


def describe(run: Path, monitor: str | None = None) -> Text:
    """The folder, the outcome, the scores, the picture where it has painted one, and the next commands."""
    facts, record = run_folder.facts(run), run / run_folder.METRICS
    rows = table.read(record) if record.exists() else []
    name = _short(run)
    told = Text()
    for title, lines in (
        ("run", [name]),
        (facts.get("status", "ended"), [_extent(facts, rows)]),
        ("scores", _scores(rows, monitor, facts.get("card_since", 0))),
        ("picture", [_short(run / run_folder.PICTURE)] if (run / run_folder.PICTURE).exists() else []),
        ("next", _commands(run, facts, rows)),
    ):
        for heading, line in zip_longest([title][: len(lines)], lines, fillvalue=""):
            told.append(f"\n{heading:13}", "dim").append(line)
    return told


def best(rows: list[dict[str, float]], monitor: str) -> tuple[float, int] | None:
    """The lowest value of a score and the first step that reached it; what is no number is none of them."""
    scored = [(row[monitor], int(row["step"])) for row in rows if not isnan(row.get(monitor, nan))]
    return min(scored, default=None)


def _extent(facts: dict[str, Any], rows: list[dict[str, float]]) -> str:
    images = next((row["images_seen"] for row in reversed(rows) if "images_seen" in row), 0)
    told = f"{_steps(facts, rows):,} steps, {images:,} images, {duration(facts.get('wall_seconds', 0.0))}"
    return f"{told}: trainer.max_time is over" if facts.get("out_of_time") else told


def _steps(facts: dict[str, Any], rows: list[dict[str, float]]) -> int:
    return facts.get("steps") or (int(rows[-1]["step"]) if rows else 0)


def _scores(rows: list[dict[str, float]], monitor: str | None, since: int) -> list[str]:
    """Those of the last validation, and the best that was measured as the scores are `since` this step."""
    validations = [{key: value for key, value in row.items() if key.startswith("val/")} for row in rows]
    last = next((scores for scores in reversed(validations) if scores), {})
    lines = [f"{key} {value:.4g}" for key, value in last.items()]
    if monitor and (found := best([row for row in rows if row["step"] >= since], monitor)):
        lines.insert(0, f"{monitor} {found[0]:.4g} at best, at step {found[1]:,}")
    return lines


def _commands(path: Path, facts: dict[str, Any], rows: list[dict[str, float]]) -> list[str]:
    """What works on the run folder as it is: nothing, where no checkpoint was written.

    A sweep's job is not offered to go on by itself: that would lead out of the sweep, whose ledger would not know.
    """
    if not run_folder.has_checkpoint(path):
        return []
    run = shlex.quote(_short(path))
    resume = f"python train.py resume={run}"
    makes = facts.get("makes", "samples") if facts.get("pictures", True) else None
    asked = [ASKED[makes].format(run=run)] if makes in ASKED else []
    if facts.get("status") == "finished":
        longer = "max_time=…" if facts.get("out_of_time") else f"max_steps={2 * _steps(facts, rows)}"
        scored = [f"atelier evaluate {run}"] if facts.get("card") else []
        return [*asked, *scored, f"atelier timelapse {run}", *([] if sweep(path) else [f"{resume} trainer.{longer}"])]
    return [*([] if sweep(path) else [resume]), *asked]


def _short(run: Path) -> str:
    """The folder as one would type it here."""
    short = os.path.relpath(run) if run.absolute().is_relative_to(Path.cwd()) else str(run)
    return f"./{short}" if short.startswith("-") else short  # which commands would take for an option
