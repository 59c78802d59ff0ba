"""Scores of the generated images, at every validation."""

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from atelier.callbacks.protocols import Sampler
from atelier.hashing import mix
from atelier.metrics.scores import Scores
from atelier.record.grids import to_pixels

BATCH = 100


class ScoreSamples(Callback):
    """Samples the task, scores the samples and logs them as `val/<score>`."""

    def __init__(self, scores: Scores, seed: int) -> None:
        self.scores, self.seed = scores, seed

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.scores.prepare(trainer.datamodule.train_pixels, pl_module.device)  # type: ignore[attr-defined]

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, Sampler)
        share = len(range(trainer.global_rank, self.scores.count, trainer.world_size))
        sample_into(self.scores, pl_module, share, mix(self.seed, trainer.global_rank))
        pl_module.log_dict({f"val/{name}": value for name, value in self.scores.compute().items()})


def sample_into(scores: Scores, sampler: Sampler, count: int, seed: int) -> None:
    """Show `count` images to the scores: the same latents at every call with the same seed."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, count, BATCH):
        scores.update(to_pixels(sampler.sample(min(BATCH, count - start), generator=generator)))
