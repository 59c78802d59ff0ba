"""Scores of the generated images, at every validation."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.protocols import NumberedSampler
from atelier.metrics.scoring import Scores
from atelier.record.grids import to_pixels

BATCH = 64
"""Images made at once, always as many: the last bits of an image may depend on how many are made beside it."""


class ScoreSamples(Callback):
    """Scores the first images of `atelier sample --seed SEED` and logs them as `val/<score>`.

    The scores are prepared.
    """

    def __init__(self, scores: Scores, seed: int) -> None:
        self.scores, self.seed = scores, seed

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, NumberedSampler)
        numbers = range(trainer.global_rank, self.scores.count, trainer.world_size)  # no image is shown twice
        show(self.scores, pl_module, self.seed, numbers)
        pl_module.log_dict({f"val/{name}": value for name, value in self.scores.compute().items()})


def show(scores: Scores, sampler: NumberedSampler, seed: int, numbers: range, truncation: float | None = None) -> None:
    """Show the images of these numbers to the scores."""
    for start in range(0, len(numbers), BATCH):
        some = [*numbers[start : start + BATCH]]
        filled = some + some[-1:] * (BATCH - len(some))
        images, labels = sampler.numbered(seed, filled, truncation)
        own = slice(len(some))
        scores.update(to_pixels(images)[own], torch.tensor(some), None if labels is None else labels[own])


def origin(seed: int, truncation: float | None = None) -> dict[str, object]:
    """What a card says of the images that `show` shows."""
    return {"real_split": "train", "average": True, "truncation": truncation, "seed": seed}
