"""Pictures into the pictures that they are to become: pix2pix, and restoration."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from atelier.augment.base import Augment
from atelier.data.types import Paired
from atelier.losses.adversarial import Objective
from atelier.losses.penalties import Penalty
from atelier.losses.terms import as_modules
from atelier.losses.translation import Part, Perceptual, Translation, TranslationTerm
from atelier.networks.players import Discriminator
from atelier.networks.translator import Translator, complete
from atelier.networks.vgg import Encoder
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.adversary import Adversary
from atelier.tasks.translation import TranslationTask, evaluated, parts_of

TO_TARGET = "to_target"


class PairedTranslation(TranslationTask):
    """One generator that learns from pairs (Isola et al. 2017), with a discriminator where a term is adversarial.

    A discriminator of six `inputs` sees each picture beside its content, as the paper's; one of three sees it alone.
    Departures from the paper: the generator moves first, and noise comes from dropout in training only.

    Lower is better of `val/error`, the mean absolute difference of held-out pictures from their targets.
    """

    batch: ClassVar[type] = Paired
    monitor: ClassVar[str] = "error"
    offers: ClassVar[frozenset[Part]] = frozenset({"adversarial", "pairs", "activations"})

    def __init__(
        self,
        generator: Translator,
        terms: Mapping[str, TranslationTerm | None],
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
        discriminator: Discriminator,
        objective: Objective,
        penalties: Mapping[str, Penalty],
        encoder: Encoder | None = None,
        augment: Augment | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(terms, clip_norm)
        self.generator = generator.to(memory_format=torch.channels_last)
        self.encoder, self.looked_at = _encoder(self.terms, encoder)
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.schedule_factory = schedule
        self.adversary: Adversary | None = None
        if self.is_adversarial:
            self.discriminator = discriminator.to(memory_format=torch.channels_last)
            self.augment = augment or Augment()
            self.penalties = as_modules(penalties, "penalties")
            self.sees_pairs = _sees_pairs(discriminator, generator, self.augment)
            self.adversary = Adversary(self.discriminator, objective, self.penalties, self.augment)

    @property
    def translators(self) -> Mapping[str, Translator]:
        return {TO_TARGET: self.generator}

    def compilable(self) -> Sequence[nn.Module]:
        return [self.generator, *([self.discriminator] if self.adversary else [])]

    def learners(self) -> Sequence[tuple[OptimizerFactory, Iterable[Parameter]]]:
        drawing = self.generator_optimizer, self.generator.parameters()
        if not self.adversary:
            return [drawing]
        return [drawing, (self.discriminator_optimizer, self.discriminator.parameters())]

    def training_step(self, batch: Paired, batch_idx: int) -> Terms:
        generator_optimizer, *others = self.players()
        step, due = self.global_step + 1, self.due(self.global_step + 1)
        made: list[Tensor] = []

        def measure() -> Terms:
            record = self.translation(batch, parts_of(due))
            made.append(record.translated.detach())
            with torch.autocast(self.device.type, enabled=False):
                return {name: term(record, step) for name, term in due.items()}

        terms = self.update("generator", generator_optimizer, measure)
        if self.adversary:
            adversary, real, fake = self.adversary, self.seen(batch, batch.target), self.seen(batch, made[0])
            terms |= self.update("discriminator", others[0], lambda: adversary.loss(real, fake, None, step))
            adversary.constrain()
            terms |= {f"augment/{name}": value for name, value in self.augment.readings().items()}
        self.advance_schedules()
        return terms

    def translation(self, batch: Paired, parts: set[Part]) -> Translation:
        """What the generator makes of a batch, with those of the parts that it offers."""
        translated = complete(self.generator, batch.content, batch.known).float()
        adversarial = activations = None
        if "adversarial" in parts:
            assert self.adversary is not None
            logits = self.adversary.judge(self.seen(batch, translated))
            adversarial = self.adversary.fooled(logits, self.seen(batch, batch.target))
        if "activations" in parts:
            assert self.encoder is not None
            with torch.no_grad():
                wanted = self.encoder.taps(batch.target, self.looked_at)
            activations = self.encoder.taps(translated, self.looked_at), wanted
        return Translation(
            content=batch.content,
            target=batch.target,
            translated=translated,
            adversarial=adversarial,
            activations=activations,
        )

    def seen(self, batch: Paired, images: Tensor) -> Tensor:
        """Images as the discriminator sees them: behind their contents, or alone."""
        if not self.sees_pairs:
            return images
        return torch.cat([batch.content if batch.known is None else batch.content * batch.known, images], 1)

    def translated(self, batch: Paired) -> Tensor:
        with evaluated(self.generator):
            return complete(self.generator, batch.content, batch.known).float().clamp(-1, 1)

    def shown(self, batch: Paired) -> Sequence[Tensor]:
        return batch.content, self.translated(batch), batch.target

    def validation_step(self, batch: Paired, batch_idx: int) -> None:
        error = (self.translated(batch) - batch.target).abs().mean()
        self.log("val/error", error, batch_size=len(batch.content), sync_dist=True)


def _encoder(terms: Mapping[str, TranslationTerm], encoder: Encoder | None) -> tuple[Encoder | None, set[str]]:
    """The encoder and the taps that terms look at; None where none does. Raises ValueError for what it has not."""
    taps = {tap for term in terms.values() if isinstance(term, Perceptual) for tap in term.taps}
    if not taps:
        return None, taps
    if encoder is None:
        raise ValueError("encoder must be one where a term is perceptual: encoder=embedded needs no download")
    if unknown := taps - {*encoder.widths}:
        raise ValueError(f"terms must be of taps among {[*encoder.widths]}, got {sorted(unknown)}")
    return encoder, taps


def _sees_pairs(discriminator: Discriminator, generator: Translator, augment: Augment) -> bool:
    """Raises ValueError where it cannot."""
    if discriminator.inputs == 3:
        return False
    if generator.scale != 1:
        raise ValueError("discriminator.inputs must be 3 where pictures are enlarged, got 6")
    if type(augment) is not Augment:
        raise ValueError("discriminator.inputs must be 3 with an augmentation, which knows pictures, not pairs, got 6")
    return True
