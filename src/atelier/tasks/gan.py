"""Noise to images: one task, whatever the networks, the objective and the penalties."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from atelier.data.types import Images
from atelier.losses.adversarial import Objective
from atelier.losses.penalties import Critique, Penalty
from atelier.tasks.adversarial import AdversarialTask, OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.average import MovingAverage


class Gan(AdversarialTask):
    """Generative adversarial network (Goodfellow et al. 2014, algorithm 1).

    A step is one update of the discriminator on one batch; the generator follows every `critic_steps` of them.
    `generator` maps latents (B, latent_dim) to images and has a `latent_dim`; `discriminator` maps images to logits
    (B,) and says in `mixes_images` whether one image's logit depends on the others of its batch.
    """

    batch: ClassVar[type] = Images

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        penalties: Mapping[str, Penalty],
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
        critic_steps: int = 1,
        average_decay: float = 0.999,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(clip_norm)
        if critic_steps < 1:
            raise ValueError(f"critic_steps must be >= 1, got {critic_steps}")
        _refuse_mixing(discriminator, penalties)
        self.generator = generator.to(memory_format=torch.channels_last)
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.average = MovingAverage(generator, average_decay)
        self.objective, self.penalties = objective, dict(penalties)
        self.optimizer_factories = discriminator_optimizer, generator_optimizer
        self.schedule_factory = schedule
        self.critic_steps = critic_steps

    def configure_optimizers(self) -> Any:
        networks = self.discriminator, self.generator
        optimizers = [make(net.parameters()) for make, net in zip(self.optimizer_factories, networks, strict=True)]
        return optimizers, [self.schedule_factory(optimizer) for optimizer in optimizers]

    def training_step(self, batch: Images, batch_idx: int) -> Terms:
        discriminator_optimizer, generator_optimizer = self.optimizers()  # type: ignore[attr-defined]
        real, step = batch.image, self.global_step + 1
        terms = self.update("discriminator", discriminator_optimizer, lambda: self.discriminator_terms(real, step))
        if step % self.critic_steps == 0:
            terms |= self.update("generator", generator_optimizer, lambda: self.generator_terms(real))
            self.average.update(self.generator, step // self.critic_steps)
        self.advance_schedules()
        return terms

    def discriminator_terms(self, real: Tensor, step: int) -> Terms:
        with torch.no_grad():
            fake = self.generator(self.latents(len(real)))
        real_logits, fake_logits = self.judge(real, fake)
        terms = {"adversarial": self.objective.discriminator(real_logits, fake_logits)}
        critique = Critique(self.discriminator, real, fake, real_logits, fake_logits)
        with torch.autocast(real.device.type, enabled=False):  # half precision is 3 % off in a gradient's norm
            for name, penalty in self.penalties.items():
                if step % penalty.every == 0:
                    terms[name] = penalty(critique)
        return terms

    def generator_terms(self, real: Tensor) -> Terms:
        fake_logits = self.discriminator(self.generator(self.latents(len(real)))).float()
        return {"adversarial": self.objective.generator(fake_logits, self.reference_logits(real))}

    @torch.no_grad()
    def reference_logits(self, real: Tensor) -> Tensor | None:
        return self.discriminator(real).float() if self.objective.relativistic else None

    def judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both sides, in one pass where the discriminator sees each image alone."""
        if self.discriminator.mixes_images:
            return self.discriminator(real).float(), self.discriminator(fake).float()
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake])).float().chunk(2)
        return real_logits, fake_logits

    def latents(self, count: int) -> Tensor:
        return torch.randn(count, self.latent_dim, device=self.device)

    def validation_step(self, batch: Images, batch_idx: int) -> None:
        """How real held-out pictures look to the discriminator."""
        self.log("val/real_logits", self.discriminator(batch.image).float().mean(), batch_size=len(batch.image))

    @property
    def latent_dim(self) -> int:
        return self.generator.latent_dim  # type: ignore[return-value]

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Images (count, 3, H, W) in [-1, 1] of the averaged generator.

        Latents are drawn on the CPU, so that a seed means the same picture on every device.
        """
        return self.average(torch.randn(count, self.latent_dim, generator=generator).to(self.device)).float()


def _refuse_mixing(discriminator: nn.Module, penalties: Mapping[str, Penalty]) -> None:
    alone = [name for name, penalty in penalties.items() if penalty.per_image]
    if alone and discriminator.mixes_images:
        raise ValueError(
            f"discriminator.norm must not be 'batch' with the penalty {alone[0]!r}, which is one of each image alone; "
            "try model.discriminator.norm=null or layer"
        )
