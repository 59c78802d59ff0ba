"""Which symptoms were seen, how often in a row, and which of them were told."""

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

IN_A_ROW = 2
"""Looks that must find a symptom before it is believed: losses and samples of a GAN jump about."""

Findings = Mapping[str, str | None]
"""What was looked for, by name, and in words what was found; None where all is well."""


class Chart:
    """Believes a symptom that is seen at `IN_A_ROW` looks in a row, and warns of it once in a run."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._told: list[str] = []

    def note(self, findings: Findings, step: int) -> set[str]:
        """Take in one look. Returns the symptoms that are believed now, told before or not."""
        for name, found in findings.items():
            self._seen[name] = self._seen.get(name, 0) + 1 if found else 0
        believed = {name: found for name, found in findings.items() if found and self._seen[name] >= IN_A_ROW}
        for name in sorted(believed):
            self.tell(name, believed[name], step)
        return {*believed}

    def tell(self, name: str, found: str, step: int) -> None:
        """Warn of a symptom, unless it was told before."""
        if name not in self._told:
            self._told.append(name)
            log.warning("health: at step %s %s", f"{step:,}", found)

    def forget(self, name: str) -> None:
        """Let a symptom that was acted on be seen `IN_A_ROW` times again before it is believed."""
        self._seen[name] = 0

    def state_dict(self) -> dict[str, Any]:
        return {"seen": dict(self._seen), "told": list(self._told)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._seen, self._told = dict(state["seen"]), list(state["told"])
