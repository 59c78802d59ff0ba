"""Noise to images: one task, whatever the networks, the objective and the penalties."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from atelier.augment.base import Augment
from atelier.data.types import Images
from atelier.losses.adversarial import Objective
from atelier.losses.generator import Creation, GeneratorTerm
from atelier.losses.penalties import Critique, Penalty
from atelier.networks.padding import make_seamless, roll_each
from atelier.networks.players import Discriminator, Generator
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.sampling import LatentSampler


class Gan(LatentSampler):
    """Generative adversarial network (Goodfellow et al. 2014, algorithm 1).

    A step is one update of the discriminator on one batch; the generator follows every `critic_steps` of them.
    Generated images of a step have the labels of its real ones. `penalties` are the discriminator's,
    `generator_terms` what the generator minimises beside its objective; their names are those of the record.
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
        _refuse_batch_norm(discriminator, penalties)
        _refuse_unable(discriminator, {**penalties, **generator_terms})
        self.discriminator = discriminator.to(memory_format=torch.channels_last)
        self.objective, self.augment = objective, augment or Augment()
        # as modules, for what they remember belongs into checkpoints
        self.penalties = cast(Mapping[str, Penalty], nn.ModuleDict(penalties))
        self.generator_terms = cast(Mapping[str, GeneratorTerm], nn.ModuleDict(generator_terms))
        self.optimizer_factories = discriminator_optimizer, generator_optimizer
        self.schedule_factory = schedule
        self.critic_steps, self.seamless = critic_steps, seamless

    def configure_optimizers(self) -> Any:
        networks = self.discriminator, self.generator
        optimizers = [make(net.parameters()) for make, net in zip(self.optimizer_factories, networks, strict=True)]
        return optimizers, [self.schedule_factory(optimizer) for optimizer in optimizers]

    def training_step(self, batch: Images, batch_idx: int) -> Terms:
        discriminator_optimizer, generator_optimizer = self.optimizers()  # type: ignore[attr-defined]
        real, labels, step = batch.image, self.labels_of(batch), self.global_step + 1
        terms = self.update(
            "discriminator", discriminator_optimizer, lambda: self.discriminator_loss(real, labels, step)
        )
        for penalty in self.penalties.values():
            penalty.constrain(self.discriminator)
        if step % self.critic_steps == 0:
            turn = step // self.critic_steps
            terms |= self.update("generator", generator_optimizer, lambda: self.generator_loss(real, labels, turn))
            self.average.update(self.generator, turn)
        self.advance_schedules()
        return terms | {f"augment/{name}": value for name, value in self.augment.readings().items()}

    def discriminator_loss(self, real: Tensor, labels: Tensor | None, step: int) -> Terms:
        with torch.no_grad():
            fake = self.generate(self.latents(len(real)), labels).float()
        due = {name: penalty for name, penalty in self.penalties.items() if penalty.due(step)}
        mixed = torch.is_autocast_enabled(real.device.type)  # half precision is 3 % off in a gradient's norm
        if not mixed and any(penalty.at_images for penalty in due.values()):
            real, fake = real.detach().requires_grad_(), fake.requires_grad_()
        critique = self.criticize(real, fake, labels)
        self.augment.observe(critique.real_logits.detach())
        terms = {"adversarial": self.objective.discriminator(critique.real_logits, critique.fake_logits)}
        with torch.autocast(real.device.type, enabled=False):
            return terms | {name: penalty(critique) for name, penalty in due.items()}

    def generator_loss(self, real: Tensor, labels: Tensor | None, turn: int) -> Terms:
        latents = self.latents(len(real))
        fake = self.generate(latents, labels)
        features = self.discriminator.features(self.augment(fake))
        logits = self.discriminator.logits(features, labels).float()
        terms = {"adversarial": self.objective.generator(logits, self.reference_logits(real, labels))}
        creation = Creation(self.generator, self.discriminator, latents, labels, fake, logits, features)
        with torch.autocast(real.device.type, enabled=False):
            due = {name: term for name, term in self.generator_terms.items() if term.due(turn)}
            return terms | {name: term(creation) for name, term in due.items()}

    def generate(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Images as the discriminator sees them: those that are to tile are cut open somewhere else each time."""
        images = self.generator(latents, labels)
        return roll_each(images) if self.seamless else images

    def criticize(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> Critique:
        """Both sides judged: in one pass where the discriminator sees each image alone, unless the images require a
        gradient, which on a pass of one side's own takes half the time.
        """

        def judge(images: Tensor) -> Tensor:
            return self.discriminator(self.augment(images), labels)

        if self.discriminator.mixes_images or real.requires_grad:
            of_real, of_fake = (self.discriminator.features(self.augment(images)) for images in (real, fake))
            real_logits, fake_logits = (self.discriminator.logits(part, labels).float() for part in (of_real, of_fake))
        else:
            of_both = self.discriminator.features(self.augment(torch.cat([real, fake])))
            twice = None if labels is None else labels.repeat(2)
            real_logits, fake_logits = self.discriminator.logits(of_both, twice).float().chunk(2)
            of_real, of_fake = _halves(of_both)
        return Critique(judge, real, fake, real_logits, fake_logits, of_real, of_fake, labels, self.discriminator)

    @torch.no_grad()
    def reference_logits(self, real: Tensor, labels: Tensor | None) -> Tensor | None:
        return self.discriminator(self.augment(real), labels).float() if self.objective.relativistic else None

    def latents(self, count: int) -> Tensor:
        return torch.randn(count, self.latent_dim, device=self.device)

    def validation_step(self, batch: Images, batch_idx: int) -> None:
        """How real held-out pictures look to the discriminator."""
        self.log("val/real_logits", self.logits(batch).mean(), batch_size=len(batch.image))

    @torch.no_grad()
    def logits(self, batch: Images) -> Tensor:
        """Logits (B,) of pictures as they are, without augmentation; the mean where parts are judged."""
        return self.discriminator(batch.image, self.labels_of(batch)).float().reshape(len(batch.image), -1).mean(1)


def _halves(features: Any) -> list[Any]:
    """Features of real and of generated images, of those of both one after the other."""
    if isinstance(features, Tensor):
        return [*features.chunk(2)]
    return [tuple(half) for half in zip(*(part.chunk(2) for part in features), strict=True)]


def _refuse_batch_norm(discriminator: nn.Module, penalties: Mapping[str, Penalty]) -> None:
    alone = [name for name, penalty in penalties.items() if penalty.per_image]
    if alone and any(isinstance(module, nn.BatchNorm2d) for module in discriminator.modules()):
        raise ValueError(
            f"discriminator.norm must not be 'batch' with the penalty {alone[0]!r}, which is one of each image alone; "
            "try model.discriminator.norm=null or layer"
        )


def _refuse_unable(discriminator: nn.Module, terms: Mapping[str, Penalty | GeneratorTerm]) -> None:
    for name, term in terms.items():
        if term.needs and not hasattr(discriminator, term.needs):
            raise ValueError(
                f"the term {name!r} needs a discriminator that can {term.needs}, which "
                f"{type(discriminator).__module__} cannot; try another loss, or the model that the loss is of"
            )
