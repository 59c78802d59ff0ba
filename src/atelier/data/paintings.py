"""The painter's works as a source of pictures."""

from collections.abc import Iterator
from dataclasses import dataclass

from atelier.data.painting import PALETTES, STYLES, VERSION, paint
from atelier.data.sources import Picture, Rendered


@dataclass(frozen=True)
class Painted:
    index: int

    @property
    def name(self) -> str:
        return f"painting {self.index}"

    def render(self, size: int) -> Rendered:
        work = paint(self.index, size)
        return Rendered(work.pixels, {"style": STYLES[work.style], "palette": PALETTES[work.palette]})


@dataclass(frozen=True)
class Paintings:
    """The painter's first works: the same ones for runs of every seed, as in any other collection."""

    number: int
    name = "procedural"

    def key(self) -> str:
        return f"painting/{VERSION}/{self.number}"

    def about(self) -> dict[str, str | int]:
        return {"painter": VERSION}

    def count(self) -> int:
        return self.number

    def pictures(self) -> Iterator[Picture]:
        return map(Painted, range(self.number))
