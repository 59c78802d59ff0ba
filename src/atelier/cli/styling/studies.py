"""What a method knows of the styles that pictures are to have."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from atelier.cli.pictures.images import image_of, pixels_of, sized
from atelier.cli.styling.styles import LearnedStyle, Recipe, StyleSource
from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.record.grids import framed
from atelier.stylize.colour import Policy
from atelier.stylize.method import Method


class Studies:
    """The studied styles of one recipe: made once, unless colours make them other styles for each content.

    Styles have `size` pixels along their longer side, and take no more than `memory` bytes to look at.
    """

    def __init__(self, method: Method, recipe: Recipe, policy: Policy | None, size: int, memory: int) -> None:
        self.method, self.recipe, self.policy, self.size, self.memory = method, recipe, policy, size, memory
        self._pictures: list[Tensor] | None = None
        self._studied: list[Any] | None = None

    @property
    def head(self) -> Tensor | None:
        """What stands for the styles in the sheet, uint8 (3, H, W): side by side, where several are mixed."""
        if self._pictures is None:
            return None
        height = min(picture.shape[2] for picture in self._pictures)
        return torch.cat([_of_height(height, pixels_of(picture)) for picture in self._pictures], 2)

    def of(self, content: Tensor) -> list[Any]:
        """For a content (1, 3, H, W)."""
        if isinstance(self.recipe.styles[0], LearnedStyle):
            return [style.number for style in self.recipe.styles if isinstance(style, LearnedStyle)]
        if self._pictures is None:
            self._pictures = [self._picture(style) for style in self.recipe.styles]
        if (policy := self.policy) is not None:
            return self._each(lambda picture: policy.before(picture, content))
        if self._studied is None:
            self._studied = self._each(lambda picture: picture)
        return self._studied

    def _each(self, change: Callable[[Tensor], Tensor]) -> list[Any]:
        assert self._pictures is not None
        return [self.method.study(change(picture)) for picture in self._pictures]

    def _picture(self, style: StyleSource) -> Tensor:
        try:
            pixels = sized(style.picture(), self.size)
        except BrokenPicture as error:
            which = f" {style.name}" if len(self.recipe.styles) > 1 else ""  # or the picture to be is called after it
            raise BrokenPicture(f"the style{which} cannot be used ({error})") from error
        needed = self.method.needs(*pixels.shape[1:])
        if needed > self.memory:
            height, width = pixels.shape[1:]
            raise UserError(
                f"--style-size: the style {style.name}, {width} x {height}, takes {bytes_told(needed)}, "
                f"more than --max-memory, {bytes_told(self.memory)}"
            )
        return image_of(pixels)


def _of_height(height: int, pixels: Tensor) -> Tensor:
    return framed(pixels[None], height, max(1, round(height * pixels.shape[2] / pixels.shape[1])))[0]


def bytes_told(count: int) -> str:
    """`1.5 GiB`, `24 MiB`, `977 KiB`."""
    units = ("B", "KiB", "MiB", "GiB")
    power = min(max(0, count.bit_length() - 1) // 10, len(units) - 1)
    number = count / 2 ** (10 * power)
    return f"{f'{number:.1f}'.removesuffix('.0') if number < 10 else f'{number:,.0f}'} {units[power]}"
