"""What `atelier stylize` is asked for of every picture, and what of it a method cannot do."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from atelier.cli.digests import DIGEST
from atelier.cli.styling.settings import Chosen, Settings
from atelier.cli.styling.styles import Recipe
from atelier.cli.trained import folder_name
from atelier.errors import UserError
from atelier.stylize.colour import POLICIES, Policy
from atelier.wording import did_you_mean, listed


class Request(NamedTuple):
    """What is wanted of every picture."""

    out: Path | None = None
    """None: a folder in STYLISED, named by what makes these pictures others than another request would."""
    strength: float = 1.0
    preserve_color: str | None = None
    mask: Path | None = None
    size: int | None = None
    style_size: int | None = None
    suffix: str | None = None
    seed: int | None = None

    def folder_name(self, chosen: Chosen, settings: Settings) -> str:
        """By the method, and by what of the request is not as usual; a picture's name tells of content and style."""
        asked = self._replace(out=None, suffix=None, mask=self.mask and Path(self.mask.name))
        unusual = {key: fact for key, fact in asked._asdict().items() if fact != self._field_defaults[key]}
        note = {key: fact for key, fact in chosen.note.items() if key != DIGEST}
        name = note.pop("run", chosen.method.name)
        return folder_name(name, **note, weights=settings.weights and settings.weights.stem, **unusual)

    def policy(self, learned: Sequence[str] | None) -> Policy | None:
        """What keeps the colours; of a network with `learned` styles only what leaves the style as it is can."""
        name = self.preserve_color
        if name is None:
            return None
        if name not in POLICIES:
            raise UserError(
                f"--preserve-color: must be one of {listed(POLICIES)}, got {name!r}{did_you_mean(name, POLICIES)}"
            )
        if learned is not None and name != "luminance":
            raise UserError(
                f"--preserve-color: {name} changes the style, which this network has learned: try luminance"
            )
        return POLICIES[name]

    def refuse_unheeded(self, chosen: Chosen) -> None:
        """Whoever asks for another seed or size expects another picture, and would be given the same."""
        if self.seed is not None and not chosen.draws:
            raise UserError(f"--seed: {chosen.method.name} does not take it: it draws nothing by chance")
        if self.style_size is not None and chosen.learned:
            raise UserError(f"--style-size: {chosen.method.name} does not take it: it has learned its styles")

    def refuse_unmasked(self, wanted: Sequence[Recipe]) -> None:
        """A mask that is no file, or with which those recipes could do nothing."""
        if self.mask is None:
            return
        if self.mask.is_dir():
            raise UserError(f"--mask: must be a picture, and {str(self.mask)!r} is a folder")
        if not self.mask.is_file():
            raise UserError(f"--mask: no such file: {str(self.mask)!r}")
        if any(len(recipe.styles) < 2 for recipe in wanted):
            raise UserError("--mask: divides a picture among several styles; name two or more by --style")
        if any(weight != 1 for recipe in wanted for weight in recipe.weights):
            raise UserError("--mask: gives each style a region of its own; only where they are mixed have they weights")
