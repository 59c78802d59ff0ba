"""One direction, held to its contents by patches instead of by a way back."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from atelier.augment.base import Augment
from atelier.data.types import Pair
from atelier.losses.adversarial import Objective
from atelier.losses.penalties import Penalty
from atelier.losses.translation import Correspondence, Part, Translation, TranslationTerm
from atelier.networks.patch_heads import PatchHeads, draw_places
from atelier.networks.players import Discriminator
from atelier.networks.translator import Translator
from atelier.tasks.adversarial import OptimizerFactory, ScheduleFactory
from atelier.tasks.translation import together
from atelier.tasks.unpaired import TO_STYLE, UnpairedTranslation


class Cut(UnpairedTranslation):
    """Contrastive unpaired translation (Park et al. 2020).

    Of each of the generator's `taps`, `patches` places are drawn; `heads` turn what is there into vectors that are
    compared, and learn with the generator. Keys, of the contents, carry no gradient.

    In validation `val/identity` is the mean absolute difference of pictures of the target domain from what becomes of
    them.
    """

    directions: ClassVar[tuple[str, ...]] = (TO_STYLE,)
    offers: ClassVar[frozenset[Part]] = frozenset({"adversarial", "same", "patches", "same_patches"})

    def __init__(
        self,
        generator: Callable[[], Translator],
        discriminator: Callable[[], Discriminator],
        heads: Callable[[Mapping[str, int]], PatchHeads],
        taps: Sequence[str],
        objective: Objective,
        penalties: Mapping[str, Penalty],
        terms: Mapping[str, TranslationTerm | None],
        generator_optimizer: OptimizerFactory,
        discriminator_optimizer: OptimizerFactory,
        schedule: ScheduleFactory,
        image_size: int,
        patches: int = 256,
        pool: int = 0,
        augment: Augment | None = None,
        clip_norm: float | None = None,
    ) -> None:
        # written out, for a config is checked against these names and hints
        players = generator_optimizer, discriminator_optimizer, schedule
        super().__init__(
            generator, discriminator, objective, penalties, terms, *players, image_size, pool, augment, clip_norm
        )
        widths = self.translators[TO_STYLE].widths
        if unknown := {*taps} - {*widths}:
            raise ValueError(f"taps must be among the generator's {[*widths]}, got {sorted(unknown)}")
        if patches < 2:
            raise ValueError(f"patches must be >= 2, got {patches}")
        self.heads, self.taps, self.patches = heads({tap: widths[tap] for tap in taps}), [*taps], patches

    def drawing(self) -> Sequence[nn.Module]:
        return [*super().drawing(), self.heads]

    def translations(self, sides: Mapping[str, tuple[Tensor, Tensor]], parts: set[Part]) -> Mapping[str, Translation]:
        content, target = sides[TO_STYLE]
        network = self.translators[TO_STYLE]
        wants_same = bool(parts & {"same", "same_patches"})
        translated, *same = (part.float() for part in together(network, content, *([target] if wants_same else [])))
        return {
            TO_STYLE: Translation(
                content=content,
                target=target,
                translated=translated,
                adversarial=self.fooled(TO_STYLE, translated, target, parts),
                same=same[0] if same else None,
                patches=self.correspondences(translated, content) if "patches" in parts else None,
                same_patches=self.correspondences(same[0], target) if "same_patches" in parts else None,
            )
        }

    def correspondences(self, drawn: Tensor, origin: Tensor) -> list[Correspondence]:
        """For each tap the vectors of patches of what was drawn, and of the same places in what it was made of."""
        network = self.translators[TO_STYLE]
        with torch.no_grad():
            known = network.features(origin, self.taps)
            places = draw_places(known, self.patches)
            keys = self.heads(known, places)
        queries = self.heads(network.features(drawn, self.taps), places)
        return [(queries[tap], keys[tap]) for tap in self.taps]

    def shown(self, batch: Pair) -> Sequence[Tensor]:
        return batch.content, self.translated(batch), self.drawn(TO_STYLE, batch.style), batch.style

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        error = (self.drawn(TO_STYLE, batch.style) - batch.style).abs().mean()
        self.log("val/identity", error, batch_size=len(batch.style), sync_dist=True)
