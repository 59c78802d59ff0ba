"""Two domains, each translated into the other and back."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from atelier.data.types import Pair
from atelier.losses.translation import Part, Translation
from atelier.tasks.translation import together
from atelier.tasks.unpaired import TO_CONTENT, TO_STYLE, UnpairedTranslation


class CycleGan(UnpairedTranslation):
    """CycleGAN (Zhu et al. 2017): what was translated there and back is to be what it was.

    In validation `val/cycle` and `val/identity` are the mean absolute differences of the paper's two terms, over both
    directions.
    """

    directions: ClassVar[tuple[str, ...]] = (TO_STYLE, TO_CONTENT)
    offers: ClassVar[frozenset[Part]] = frozenset({"adversarial", "back", "same"})

    def translations(self, sides: Mapping[str, tuple[Tensor, Tensor]], parts: set[Part]) -> Mapping[str, Translation]:
        drawn = {way: self._drawn_of(way, *sides[way], parts) for way in self.directions}
        records = {}
        for way in self.directions:
            content, target = sides[way]
            translated, same = drawn[way]
            back = self.translators[_opposite(way)](translated).float() if "back" in parts else None
            records[way] = Translation(
                content=content,
                target=target,
                translated=translated,
                adversarial=self.fooled(way, translated, target, parts),
                back=back,
                same=same,
            )
        return records

    def _drawn_of(self, way: str, content: Tensor, target: Tensor, parts: set[Part]) -> tuple[Tensor, Tensor | None]:
        """What the generator makes of contents, and of pictures of the target domain where a term reads that."""
        network = self.translators[way]
        if "same" not in parts:
            return network(content).float(), None
        translated, same = together(network, content, target)
        return translated.float(), same.float()

    def shown(self, batch: Pair) -> Sequence[Tensor]:
        translated = self.translated(batch)
        return batch.content, translated, self.drawn(TO_CONTENT, translated)

    def validation_step(self, batch: Pair, batch_idx: int) -> None:
        cycles, identities = [], []
        for way, (content, target) in self.sides(batch).items():
            cycles.append((self.drawn(_opposite(way), self.drawn(way, content)) - content).abs().mean())
            identities.append((self.drawn(way, target) - target).abs().mean())
        errors = {"val/cycle": sum(cycles) / len(cycles), "val/identity": sum(identities) / len(identities)}
        self.log_dict(errors, batch_size=len(batch.content), sync_dist=True)


def _opposite(way: str) -> str:
    return TO_CONTENT if way == TO_STYLE else TO_STYLE
