"""What a style of `atelier stylize` may be: a picture, an image of a trained generator, what a network has learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from atelier.cli.digests import DIGEST
from atelier.cli.pictures.contents import identity
from atelier.cli.trained import Trained, folder_name, given
from atelier.stylize import artwork
from atelier.sweeps import names


class StyleSource(Protocol):
    @property
    def name(self) -> str:
        """What its pictures are called after."""

    @property
    def origin(self) -> dict[str, Any]:
        """What makes it again."""

    def picture(self) -> Tensor:
        """uint8 (3, H, W). Raises BrokenPicture."""


class Recipe(NamedTuple):
    """What each content is given: one style, or several by their weights."""

    styles: Sequence[StyleSource]
    weights: Sequence[float]

    @property
    def name(self) -> str:
        """What its pictures are called after: such as `candy+udnie=3`."""
        if len(self.styles) == 1:
            return self.styles[0].name
        parts = zip(self.styles, self.weights, strict=True)
        return names.folder_name(
            "+".join(style.name if weight == 1 else f"{style.name}={weight:g}" for style, weight in parts)
        )

    @property
    def origin(self) -> list[dict[str, Any]]:
        return [{**style.origin, "weight": weight} for style, weight in zip(self.styles, self.weights, strict=True)]


@dataclass(frozen=True)
class FileStyle:
    path: Path
    name: str

    @property
    def origin(self) -> dict[str, Any]:
        return identity(self.path)

    def picture(self) -> Tensor:
        return artwork.read(self.path).pixels


@dataclass(frozen=True)
class GeneratedStyle:
    """An image of a trained generator, as `atelier sample` numbers them."""

    run: Path
    seed: int = 0
    index: int = 0
    label: str | None = None
    truncation: float | None = None

    @property
    def name(self) -> str:
        """By step too: a run that was trained on paints others."""
        origin = _trained(self.run).origin
        return folder_name(origin["run"], step=origin["step"], **self._chosen)

    @property
    def origin(self) -> dict[str, Any]:
        return {"generator": {**_trained(self.run).origin, DIGEST: _trained(self.run).digest}, **self._chosen}

    @property
    def _chosen(self) -> dict[str, object]:
        return given(seed=self.seed, index=self.index, label=self.label, truncation=self.truncation)

    def picture(self) -> Tensor:
        trained = _trained(self.run)
        latents = trained.draw(self.seed, [self.index], trained.class_number(self.label))
        return trained.paint(trained.styles(latents, self.truncation), latents.labels)[0]


@dataclass(frozen=True)
class LearnedStyle:
    name: str
    number: int

    @property
    def origin(self) -> dict[str, Any]:
        return {"learned": self.name}

    def picture(self) -> Tensor:
        raise AssertionError("the network knows it by its number")


@cache
def _trained(run: Path) -> Trained:
    return Trained(run)
