"""Scores of what held-out contents became, at every validation."""

from typing import Any, ClassVar

import torch

from atelier.callbacks.protocols import Translator
from atelier.callbacks.scoring import Scoring, held_out
from atelier.metrics.fidelity import Fidelity
from atelier.metrics.translation import TranslationScores
from atelier.record.grids import to_pixels


class ScoreTranslations(Scoring):
    """Scores held-out contents translated, each once, against the training pictures of the target domain."""

    option: ClassVar[str] = "translation"
    misfit: ClassVar[str] = "are of translations into the domain of other pictures, and there are none here"
    metrics: TranslationScores

    @classmethod
    def fits(cls, task: Any, data: Any) -> bool:
        return isinstance(task, Translator) and hasattr(data, "targets")

    def refuse_unfit(self, data: Any) -> None:
        self.metrics.expect(len(_contents(data)))
        self.metrics.refuse_unfit(data.targets, ())

    def prepare(self, data: Any, device: torch.device) -> None:
        self.data = data
        self.metrics.prepare(data.targets, device)

    def measure(self, task: Any, rank: int = 0, world: int = 1) -> dict[str, float]:
        # pairs beyond the number of contents show them again, with other styles
        for numbers, batch in held_out(self.data, range(rank, self.count, world), task.device):
            self.metrics.update(to_pixels(task.translated(batch)), numbers)
        return self.metrics.compute()

    def origin(self) -> dict[str, Any]:
        return {"real_split": "train, of the target domain", **_shown(self.data)}


class ScoreFidelity(Scoring):
    """Scores held-out contents translated, and the contents themselves, beside their targets."""

    option: ClassVar[str] = "fidelity"
    misfit: ClassVar[str] = "compare translations with their targets, and there are none here"
    metrics: Fidelity

    @classmethod
    def fits(cls, task: Any, data: Any) -> bool:
        return isinstance(task, Translator) and hasattr(data.batch, "target")

    def refuse_unfit(self, data: Any) -> None:
        ((_, one),) = held_out(data, range(1), torch.device("cpu"))
        self.metrics.expect(len(data.validation_pixels), min(one.target.shape[2:]))

    def prepare(self, data: Any, device: torch.device) -> None:
        self.data = data
        self.metrics.prepare(device)

    def measure(self, task: Any, rank: int = 0, world: int = 1) -> dict[str, float]:
        for _, batch in held_out(self.data, range(rank, self.count, world), task.device):
            translated = task.translated(batch)
            self.metrics.update(*(to_pixels(images) for images in (batch.content, translated, batch.target)))
        return self.metrics.compute()

    def origin(self) -> dict[str, Any]:
        return _shown(self.data)


def _contents(data: Any) -> Any:
    """The held-out contents: pairs of two collections go round, so that there are more pairs than contents."""
    return getattr(data.validation_pixels, "contents", data.validation_pixels)


def _shown(data: Any) -> dict[str, Any]:
    return {"contents": "validation, each once", "data": data.fingerprint}
