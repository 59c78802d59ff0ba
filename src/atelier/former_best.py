"""The best checkpoint of the run that is gone on with, and whether it still counts."""

import logging
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Any

from atelier import cards
from atelier.callbacks.checkpoints import Checkpoints
from atelier.distributed import external
from atelier.wording import show

log = logging.getLogger(__name__)


class FormerBest:
    """What the checkpoint that a run goes on from, if any, and the run's record say of it."""

    def __init__(self, checkpoint: Mapping[str, Any] | None, record: Mapping[str, Any]) -> None:
        self._step: int | None = checkpoint["global_step"] if checkpoint else None
        self._kept: dict[str, Any] = checkpoint["callbacks"].get(Checkpoints.__qualname__, {}) if checkpoint else {}
        self._record = record

    def hand_on(self, best: Checkpoints, monitor: str | None, card: Mapping[str, Any], data: str | None) -> None:
        """Where a run measures otherwise than it did until its checkpoint, `best` is to be looked for anew."""
        former: dict[str, Any] = self._kept.get("measured_by") or cards.recorded(self._record)
        now = cards.measure(monitor, card, data)
        if not (card or monitor):  # the best that there was may count again, once something is measured
            now = {**now, **former, "data": data}
        changed = cards.differing(former, now)
        best.measured_by = now
        best.since = self._step + 1 if changed and self._step is not None else self._since
        if external.is_first():
            self._tell(changed, former, now)

    @property
    def _since(self) -> int:
        """The step since which the run measured as it did at its checkpoint.

        By the record where the checkpoint does not say; that may be of a later attempt, killed before its first
        checkpoint, and so is capped.
        """
        recorded: int = min(self._record.get("card_since", 0), (self._step or 0) + 1)
        return self._kept.get("since", recorded)

    def _tell(self, changed: Sequence[str], former: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        score = self._kept.get("best_score", inf)
        forgotten = f"the best so far, {score:.4g} at step {self._kept.get('best_step', 0):,}, no longer counts"
        if "data" in changed:
            also = f", and {forgotten}" if isfinite(score) else ""
            log.warning("resume: these are not the pictures that the run was trained on; it goes on with these%s", also)
        elif changed:
            changes = ", ".join(f"{key} was {show(former[key])} and is {show(now[key])}" for key in changed)
            gone = forgotten if isfinite(score) else "scores until now compare with no later ones"
            log.warning("resume: %s, for it was measured otherwise: %s", gone, changes)
