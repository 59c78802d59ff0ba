"""A run as a trial of a study: what its folder says of it. Reading it takes neither Optuna nor Lightning."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atelier.files import write_text
from atelier.strict_json import record_in, to_json
from atelier.sweeps.ledger import Ledger
from atelier.sweeps.names import key

TRIAL = "trial.json"


def note(ledger: Ledger, overrides: Sequence[str], run: Path) -> None:
    """Say in the run's folder which trial it is, where it is one; of the same trial, how it went stays."""
    plan = ledger.plan
    number = plan.get("trials", {}).get(key(overrides))
    if number is None:
        return
    known, this = read(run), {"number": number, "study": str(ledger.folder.absolute())}  # the sweep may have moved
    if not this.items() <= known.items():
        before = known if known.get("number") == number else {}
        write(run, {**before, **this, "pruner": plan["pruner"]})


def read(run: Path) -> dict[str, Any]:
    """Empty where the run is no trial. Raises UserError where it cannot be read."""
    path = run / TRIAL
    return record_in(path, f"{run}: its {TRIAL}") if path.is_file() else {}


def write(run: Path, facts: dict[str, Any]) -> None:
    write_text(run / TRIAL, to_json(facts) + "\n")


def pruned(run: Path) -> float | None:
    """The best score of a run that was pruned; None for any other, infinity for none that is finite."""
    known = read(run)
    if "pruned_with" not in known:
        return None
    score: float | None = known["pruned_with"]
    return math.inf if score is None else score
