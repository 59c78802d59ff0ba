"""Pictures of one domain into another's, learnt without pairs."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer

from atelier.augment.base import Augment
from atelier.data.types import Pair
from atelier.losses.adversarial import Objective
from atelier.losses.penalties import Penalty
from atelier.losses.terms import as_modules
from atelier.losses.translation import Part, Translation, TranslationTerm
from atelier.networks.players import Discriminator
from atelier.networks.translator import Translator
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory, Terms
from atelier.tasks.adversary import Adversary
from atelier.tasks.pool import ImagePool
from atelier.tasks.translation import TranslationTask, evaluated, parts_of

TO_STYLE, TO_CONTENT = "to_style", "to_content"


class UnpairedTranslation(TranslationTask):
    """For each direction a generator, and a discriminator that compares what it draws with the target domain.

    A discriminator sees generated images through a pool of the last `pool` of them (Zhu et al. 2017, section 4);
    0: as they come. All generators are one player, all discriminators another. Penalties and the augmentation are
    each discriminator's own copy, for they may remember.
    """

    batch: ClassVar[type] = Pair
    directions: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        generator: Callable[[], Translator],
        discriminator: Callable[[], Discriminator],
        objective: Objective,
        penalties: Mapping[str, Penalty],
        terms: Mapping[str, TranslationTerm | None],
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
        image_size: int,
        pool: int = 0,
        augment: Augment | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(terms, clip_norm)
        self.generators = self._of_each(generator)
        for network in self.translators.values():
            if network.masked or network.scale != 1:
                raise ValueError("generator must draw pictures as large as their contents, and take no mask")
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.schedule_factory, self.image_size = schedule, image_size
        self.adversaries: dict[str, Adversary] = {}
        if self.is_adversarial:
            self.discriminators = self._of_each(discriminator)
            self.penalties = self._of_each(lambda: cast(nn.Module, as_modules(deepcopy({**penalties}), "penalties")))
            self.augments = self._of_each(lambda: deepcopy(augment or Augment()))
            self.pools = self._of_each(lambda: ImagePool(pool, image_size))
            self.adversaries = {way: self._adversary(way, objective) for way in self.directions}

    def _of_each(self, make: Callable[[], nn.Module]) -> nn.ModuleDict:
        return nn.ModuleDict({way: make() for way in self.directions})

    def _adversary(self, way: str, objective: Objective) -> Adversary:
        penalties = cast(Mapping[str, Penalty], self.penalties[way])
        discriminator, augment = cast(Discriminator, self.discriminators[way]), cast(Augment, self.augments[way])
        if discriminator.inputs != 3:
            raise ValueError("discriminator.inputs must be 3 where there are no pairs")
        return Adversary(discriminator, objective, penalties, augment)

    @property
    def translators(self) -> Mapping[str, Translator]:
        return cast(Mapping[str, Translator], self.generators)

    def on_train_start(self) -> None:
        if self.device.type != "cpu":  # where a step takes 1.15 times as long with channels last
            self.to(memory_format=torch.channels_last)
        for player in self.players():
            follow_layout(player.optimizer)

    def compilable(self) -> Sequence[nn.Module]:
        return [*self.generators.values(), *(self.discriminators.values() if self.adversaries else [])]

    def drawing(self) -> Sequence[nn.Module]:
        """What the generators' optimiser moves."""
        return [self.generators]

    def learners(self) -> Sequence[tuple[OptimizerFactory, Iterable[Parameter]]]:
        weights = chain.from_iterable(module.parameters() for module in self.drawing())
        drawing = self.generator_optimizer, weights
        if not self.adversaries:
            return [drawing]
        return [drawing, (self.discriminator_optimizer, self.discriminators.parameters())]

    @abstractmethod
    def translations(self, sides: Mapping[str, tuple[Tensor, Tensor]], parts: set[Part]) -> Mapping[str, Translation]:
        """What becomes of the contents, (B, 3, H, W), and targets of each direction, with those of the parts that the
        task offers; without the adversarial one."""

    def training_step(self, batch: Pair, batch_idx: int) -> Terms:
        generator_optimizer, *others = self.players()
        step, sides = self.global_step + 1, self.sides(batch)
        made: dict[str, Tensor] = {}
        terms = self.update("generators", generator_optimizer, lambda: self._generators_loss(sides, step, made))
        if self.adversaries:
            fakes = {way: cast(ImagePool, self.pools[way])(images) for way, images in made.items()}
            terms |= self.update("discriminators", others[0], lambda: self._discriminators_loss(sides, step, fakes))
            for adversary in self.adversaries.values():
                adversary.constrain()
        self.advance_schedules()
        return terms | self._readings()

    def _generators_loss(self, sides: Mapping[str, tuple[Tensor, Tensor]], step: int, made: dict[str, Tensor]) -> Terms:
        """Leaves in `made` what was drawn, without its graph."""
        due = self.due(step)
        terms: Terms = {}
        for way, record in self.translations(sides, parts_of(due)).items():
            made[way] = record.translated.detach()
            with torch.autocast(self.device.type, enabled=False):
                terms |= {f"{name}_{way}": term(record, step) for name, term in due.items()}
        return terms

    def _discriminators_loss(
        self, sides: Mapping[str, tuple[Tensor, Tensor]], step: int, fakes: Mapping[str, Tensor]
    ) -> Terms:
        losses = {
            way: adversary.loss(sides[way][1], fakes[way], None, step) for way, adversary in self.adversaries.items()
        }
        return {f"{name}_{way}": term for way, terms in losses.items() for name, term in terms.items()}

    def fooled(self, way: str, translated: Tensor, target: Tensor, parts: set[Part]) -> Tensor | None:
        """The adversarial part of a direction, where it is asked for."""
        if "adversarial" not in parts:
            return None
        adversary = self.adversaries[way]
        return adversary.fooled(adversary.judge(translated), target)

    def sides(self, batch: Pair) -> dict[str, tuple[Tensor, Tensor]]:
        """The contents and the targets of each direction."""
        both = {TO_STYLE: (batch.content, batch.style), TO_CONTENT: (batch.style, batch.content)}
        return {way: both[way] for way in self.directions}

    def translated(self, batch: Pair) -> Tensor:
        return self.drawn(self.directions[0], batch.content)

    def drawn(self, way: str, content: Tensor) -> Tensor:
        """Contents of a direction as they come out, (B, 3, H, W) in [-1, 1]."""
        with evaluated(self.generators):
            return self.translators[way](content).float().clamp(-1, 1)

    def _readings(self) -> Terms:
        return {
            f"augment/{name}_{way}": value
            for way, adversary in self.adversaries.items()
            for name, value in adversary.augment.readings().items()
        }


def follow_layout(optimizer: Optimizer) -> None:
    """Let what it remembers of weights lie in memory as they do: it may come from another device, and a fused
    optimiser goes through both as through lists, whatever their strides are."""
    for weights, known in optimizer.state.items():
        for name, part in known.items():
            if isinstance(part, Tensor) and part.shape == weights.shape:
                known[name] = torch.empty_like(weights).copy_(part)
