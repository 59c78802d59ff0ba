"""By what scores were measured, and whether others compare with them. Needs no torch."""

import json
from collections.abc import Mapping
from typing import Any

CONCERNS, MEASURES = "concerns", "measures"
"""Entries of a card: which others concern which score alone; and protocols by the score that each is of."""

NO_MATTER = {"seed", "step", "versions", "real_images_would_score", CONCERNS}
"""Entries of a card in which comparable scores may differ: they follow from the others, or are what one compares."""


def measure(monitor: str | None, card: Mapping[str, Any], data: str | None) -> dict[str, Any]:
    """By what a run chooses its best checkpoint: a score, its protocol, the pictures; plain, as checkpoints have it."""
    protocol = {key: value for key, value in card.items() if key not in NO_MATTER}
    return json.loads(json.dumps({**protocol, "monitor": monitor, "data": data}))


def recorded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The measure of a run as far as its record has it."""
    found = measure(facts.get("monitor"), facts.get("card") or {}, facts.get("data"))
    return {key: value for key, value in found.items() if value is not None}


def differing(former: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Entries in which two measures differ. What only one has belongs to a score that the other has not."""
    return [key for key in former if key in now and _differ(former[key], now[key])]


def _differ(former: Any, now: Any) -> bool:
    if isinstance(former, dict) and isinstance(now, dict):
        return bool(differing(former, now))
    return bool(former != now)
