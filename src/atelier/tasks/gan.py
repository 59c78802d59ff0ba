"""Noise to images: one task, whatever the networks, the objective and the penalties."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from atelier.augment.base import Augment
from atelier.data.types import Images
from atelier.losses.adversarial import Objective
from atelier.losses.generator import Creation, GeneratorTerm
from atelier.losses.penalties import Penalty
from atelier.losses.terms import as_modules
from atelier.networks.padding import make_seamless, roll_each
from atelier.networks.players import Discriminator, Generator
from atelier.networks.twice import differentiable_twice
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.adversary import Adversary, refuse_the_objectives_name, refuse_unable
from atelier.tasks.sampling import LatentSampler


class Gan(LatentSampler):
    """Generative adversarial network (Goodfellow et al. 2014, algorithm 1).

    A step is one update of the discriminator on one batch; the generator follows every `critic_steps` of them.
    Generated images of a step have the labels of its real ones. `loss=` chooses the `objective` and the discriminator's
    `penalties`; `generator_terms` and `discriminator_terms` are the model's own, and minimised whatever the loss.
    Terms and penalties are recorded by their names.
    """

    batch: ClassVar[type] = Images

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        objective: Objective,
        penalties: Mapping[str, Penalty],
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
        generator_terms: Mapping[str, GeneratorTerm] = MappingProxyType({}),
        discriminator_terms: Mapping[str, Penalty] = MappingProxyType({}),
        augment: Augment | None = None,
        critic_steps: int = 1,
        average_decay: float = 0.999,
        clip_norm: float | None = None,
        seamless: bool = False,
    ) -> None:
        if seamless:
            make_seamless(generator)
        super().__init__(generator, average_decay, clip_norm)
        if critic_steps < 1:
            raise ValueError(f"critic_steps must be >= 1, got {critic_steps}")
        if both := penalties.keys() & discriminator_terms.keys():
            raise ValueError(
                f"discriminator_terms: the loss has penalties of these names, too: {', '.join(sorted(both))}"
            )
        refuse_unable(discriminator, generator_terms)
        refuse_the_objectives_name(generator_terms, "generator_terms")
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.augment = augment or Augment()
        own = as_modules(discriminator_terms, "discriminator_terms")
        self.penalties = as_modules({**penalties, **own}, "penalties")
        self.generator_terms = as_modules(generator_terms, "generator_terms")
        self.adversary = Adversary(self.discriminator, objective, self.penalties, self.augment)
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.schedule_factory = schedule
        self.critic_steps, self.seamless = critic_steps, seamless

    def compilable(self) -> Sequence[nn.Module]:
        return self.generator, self.discriminator

    def learners(self) -> Sequence[tuple[OptimizerFactory, Iterable[Parameter]]]:
        return [
            (self.discriminator_optimizer, self.discriminator.parameters()),
            (self.generator_optimizer, self.generator.parameters()),
        ]

    def training_step(self, batch: Images, batch_idx: int) -> Terms:
        discriminator_optimizer, generator_optimizer = self.optimizers()  # type: ignore[attr-defined]
        real, labels, step = batch.image, self.labels_of(batch), self.global_step + 1
        terms = self.update(
            "discriminator", discriminator_optimizer, lambda: self.discriminator_loss(real, labels, step)
        )
        self.adversary.constrain()
        if step % self.critic_steps == 0:
            turn = step // self.critic_steps
            terms |= self.update("generator", generator_optimizer, lambda: self.generator_loss(real, labels, turn))
            self.average.update(self.generator, turn)
        self.advance_schedules()
        return terms | {f"augment/{name}": value for name, value in self.augment.readings().items()}

    def discriminator_loss(self, real: Tensor, labels: Tensor | None, step: int) -> Terms:
        with torch.no_grad():
            fake = self.generate(self.latents(len(real)), labels).float()
        return self.adversary.loss(real, fake, labels, step)

    def generator_loss(self, real: Tensor, labels: Tensor | None, turn: int) -> Terms:
        latents = self.latents(len(real))
        fake = self.generate(latents, labels)
        features = self.discriminator.features(self.augment(fake))
        logits = self.discriminator.logits(features, labels).float()
        terms = {"adversarial": self.adversary.fooled(logits, real, labels)}
        creation = Creation(self.generator, self.discriminator, latents, labels, fake, logits, features)
        # of the terms, path lengths are differentiated twice, and none calls what could be compiled
        with torch.autocast(real.device.type, enabled=False), differentiable_twice():
            due = {name: term for name, term in self.generator_terms.items() if term.due(turn)}
            return terms | {name: term(creation, turn) for name, term in due.items()}

    def generate(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Images as the discriminator sees them: those that are to tile are cut open somewhere else each time."""
        images = self.generator(latents, labels)
        return roll_each(images) if self.seamless else images

    def latents(self, count: int) -> Tensor:
        return torch.randn(count, self.latent_dim, device=self.device)

    def validation_step(self, batch: Images, batch_idx: int) -> None:
        """How real held-out pictures look to the discriminator."""
        self.log("val/real_logits", self.logits(batch).mean(), batch_size=len(batch.image), sync_dist=True)

    @torch.no_grad()
    def logits(self, batch: Images) -> Tensor:
        """Logits (B,) of pictures as they are, without augmentation; the mean where parts are judged."""
        return self.discriminator(batch.image, self.labels_of(batch)).float().reshape(len(batch.image), -1).mean(1)
