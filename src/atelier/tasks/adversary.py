"""The discriminator's side of the game: what it minimises, and what it has to say of generated images."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from atelier.augment.base import Augment
from atelier.losses.adversarial import Objective
from atelier.losses.generator import GeneratorTerm
from atelier.losses.penalties import Critique, Penalty
from atelier.networks.players import Discriminator
from atelier.networks.twice import differentiable_twice
from atelier.tasks.adversarial import Terms


class Adversary:
    """A discriminator with its objective and penalties, seeing images through an augmentation.

    No module: its parts are those of a task, and bear the task's names in checkpoints.
    """

    def __init__(
        self, discriminator: Discriminator, objective: Objective, penalties: Mapping[str, Penalty], augment: Augment
    ) -> None:
        refuse_unable(discriminator, penalties)
        refuse_the_objectives_name(penalties, "penalties")
        _refuse_batch_norm(discriminator, penalties)
        self.discriminator, self.objective, self.penalties, self.augment = discriminator, objective, penalties, augment

    def loss(self, real: Tensor, fake: Tensor, labels: Tensor | None, step: int) -> Terms:
        """What the discriminator minimises in its update number `step`, from 1; `fake` carries no graph."""
        due = {name: penalty for name, penalty in self.penalties.items() if penalty.due(step)}
        mixed = torch.is_autocast_enabled(real.device.type)  # half precision is 3 % off in a gradient's norm
        if not mixed and any(penalty.at_images for penalty in due.values()):
            real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
        critique = self.criticize(real, fake, labels)
        self._report(critique.real_logits.detach(), critique.fake_logits.detach())
        terms = {"adversarial": self.objective.discriminator(critique.real_logits, critique.fake_logits)}
        with torch.autocast(real.device.type, enabled=False):
            return terms | {name: penalty(critique, step) for name, penalty in due.items()}

    def criticize(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> Critique:
        """Judge both sides: in one pass where the discriminator sees each image alone, else in two.

        Also in two where the images require a gradient: to differentiate one side alone takes half the time.
        """

        def judge(images: Tensor) -> Tensor:
            with differentiable_twice():
                return self.discriminator(self.augment(images), labels)

        if self.discriminator.mixes_images or real.requires_grad:
            with differentiable_twice() if real.requires_grad else nullcontext():
                of_real, of_fake = (self.discriminator.features(self.augment(images)) for images in (real, fake))
                logits = [self.discriminator.logits(part, labels).float() for part in (of_real, of_fake)]
            real_logits, fake_logits = logits
        else:
            of_both = self.discriminator.features(self.augment(torch.cat([real, fake])))
            twice = None if labels is None else labels.repeat(2)
            real_logits, fake_logits = self.discriminator.logits(of_both, twice).float().chunk(2)
            of_real, of_fake = _halves(of_both)
        return Critique(judge, real, fake, real_logits, fake_logits, of_real, of_fake, labels, self.discriminator)

    def _report(self, real_logits: Tensor, fake_logits: Tensor) -> None:
        if self.augment.adaptive:
            self.augment.observe(real_logits - self.objective.undecided(real_logits, fake_logits))

    @torch.no_grad()
    def reference_logits(self, real: Tensor, labels: Tensor | None) -> Tensor | None:
        """Logits of real images, where the generator's objective compares with them."""
        return self.discriminator(self.augment(real), labels).float() if self.objective.relativistic else None

    def judge(self, images: Tensor) -> Tensor:
        """Logits, (B,) or (B, P), of augmented images without labels."""
        return self.discriminator(self.augment(images)).float()

    def fooled(self, fake_logits: Tensor, real: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the generator minimises to have its images taken for real: a scalar."""
        return self.objective.generator(fake_logits, self.reference_logits(real, labels))

    def constrain(self) -> None:
        """What penalties do to the weights after each of the discriminator's steps."""
        for penalty in self.penalties.values():
            penalty.constrain(self.discriminator)


def refuse_unable(discriminator: nn.Module, terms: Mapping[str, Penalty] | Mapping[str, GeneratorTerm]) -> None:
    """Raises ValueError where a term needs what the discriminator has not."""
    for name, term in terms.items():
        if term.needs and not hasattr(discriminator, term.needs):
            raise ValueError(
                f"the term {name!r} needs a discriminator that can {term.needs}, which "
                f"{type(discriminator).__module__} cannot; try another loss, or the model that the loss is of"
            )


def _halves(features: Any) -> list[Any]:
    """Features of real and of generated images, of those of both one after the other."""
    if isinstance(features, Tensor):
        return [*features.chunk(2)]
    return [tuple(half) for half in zip(*(part.chunk(2) for part in features), strict=True)]


def refuse_the_objectives_name(terms: Mapping[str, Any], key: str) -> None:
    """Raise ValueError where a term would take the objective's place among a player's terms."""
    if "adversarial" in terms:
        raise ValueError(f"{key} must have other names than 'adversarial', which the objective is recorded by")


def _refuse_batch_norm(discriminator: nn.Module, penalties: Mapping[str, Penalty]) -> None:
    alone = [name for name, penalty in penalties.items() if penalty.per_image]
    if alone and any(isinstance(module, nn.BatchNorm2d) for module in discriminator.modules()):
        raise ValueError(
            f"discriminator.norm must not be 'batch' with the penalty {alone[0]!r}, which is one of each image alone; "
            "try model.discriminator.norm=null or layer"
        )
