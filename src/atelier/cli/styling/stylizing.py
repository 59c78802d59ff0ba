"""The work of `atelier stylize`: every content in every style, whatever becomes of a single one."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from atelier.cli.pictures.contact_sheet import Sheet, place_beside
from atelier.cli.pictures.contents import (
    Content,
    contents,
    frame_count,
    identity,
    largest,
    refuse_other_clip,
    tell_of_animations,
)
from atelier.cli.pictures.earlier_outputs import Outputs
from atelier.cli.pictures.formats import own_suffix, suffix_of
from atelier.cli.pictures.images import image_of, pixels_of, sized
from atelier.cli.pictures.tally import Tally
from atelier.cli.progress import Progress
from atelier.cli.styling.encoder_choice import EMBEDDED
from atelier.cli.styling.methods import method_of
from atelier.cli.styling.request import Request
from atelier.cli.styling.settings import Chosen, Settings
from atelier.cli.styling.studies import Studies, bytes_told
from atelier.cli.styling.styles import FileStyle, Recipe
from atelier.cli.styling.words import recipes
from atelier.cli.trained import given
from atelier.data.progress import bar
from atelier.errors import RunError, UserError
from atelier.failures import tell
from atelier.stylize import artwork, clips, masks
from atelier.stylize.method import Mixture
from atelier.stylize.smoothing import Smoother

STYLE_SIZE, OPTIMISED_SIZE = 512, 512

STYLISED = Path("stylised")

Shown = tuple[Tensor, Tensor]
"""What a sheet shows of a content: before and after, uint8 (3, H, W); of a clip the first frame."""


class Stylizing:
    """Raises UserError for what no picture could come of; what only some cannot is told, and left out."""

    def __init__(self, method: str, request: Request, settings: Settings) -> None:
        self.request = request
        self.chosen = method_of(method, settings._replace(told=lambda *_: self.progress.advance()))
        request.refuse_unheeded(self.chosen)
        _tell_of_coarse_eye(self.chosen, settings)
        self.out = request.out or STYLISED / request.folder_name(self.chosen, settings)
        self.memory = settings.memory
        self.policy = request.policy(self.chosen.learned)
        self.suffix = None if request.suffix is None else suffix_of(request.suffix)
        self.sheet, self.tally = Sheet(), Tally()
        self._mask = lru_cache(1)(masks.read)  # the frames of a clip, and pictures that one mask fits, are of one size
        self.progress = Progress(lambda: None)

    def run(self, paths: Sequence[Path], styles: Sequence[str]) -> int:
        """How many pictures failed."""
        outputs = Outputs(self.out, self.request.out or STYLISED)
        found = contents(paths, "--content", self.tally.leave_out, outputs.among)
        outputs.tell("--content")
        wanted = recipes(styles, self.chosen.learned, self.chosen.learned_from)
        sheet = place_beside(self.out, "stylize")
        self.request.refuse_unmasked(wanted)
        self._refuse_or_tell_of_clips(found)
        tell_of_animations([*(content.path for content in found if not content.is_clip), *_files(wanted)])
        doing = f"stylizing{self._estimated(found)}"
        parts = {content: self._parts(content) for content in found}
        with (
            self.sheet.saved(sheet, {"command": "stylize", **self._note(None, None)}),
            self.tally.interruptible(self.out),
            bar(doing, sum(parts.values()) * len(wanted)) as advance,
        ):
            self.progress = Progress(advance)
            for recipe in wanted:
                self._in_style(recipe, parts)
        return self.tally.failed

    @property
    def told(self) -> str:
        return self.tally.told(self.out)

    def _estimated(self, found: Sequence[Content]) -> str:
        """The memory that the largest picture takes, for the bar; told at once where it is too much."""
        sides = largest(found, self._size)
        if sides is None:
            return ""
        needed, (height, width) = self.chosen.method.needs(*sides), sides
        if needed > self.memory:
            tell(f"{width} x {height} takes about {bytes_told(needed)}: in tiles within {bytes_told(self.memory)}")
        return f" within about {bytes_told(min(needed, self.memory))}"

    def _refuse_or_tell_of_clips(self, found: Sequence[Content]) -> None:
        """Clips keep their format: where another is asked for, this is told, or refused where there are clips alone."""
        if self.suffix is None or not any(content.is_clip for content in found):
            return
        fault = "--format: is of pictures; clips stay mp4, mov or mkv as they are"
        if all(content.is_clip for content in found):
            raise UserError(fault)
        tell(fault)

    def _parts(self, content: Content) -> int:
        """How many parts of the work a content is: the steps to each of its frames."""
        return frame_count(content) * max(1, self.chosen.steps)

    def _in_style(self, recipe: Recipe, parts: Mapping[Content, int]) -> None:
        size = self.request.style_size or STYLE_SIZE
        studies = Studies(self.chosen.method, recipe, self.policy, size, self.memory)
        for content, count in parts.items():
            with self.progress.over(count), self.tally.attempt(f"{content.path} in {recipe.name}", content.kind):
                self._make(content, recipe, studies)

    def _make(self, content: Content, recipe: Recipe, studies: Studies) -> None:
        make = self._make_clip if content.is_clip else self._make_picture
        before, after = make(content, recipe, studies)
        self.sheet.note(content.name, recipe.name, before, studies.head, after)

    def _make_picture(self, content: Content, recipe: Recipe, studies: Studies) -> Shown:
        refuse_other_clip(content.path)
        work = artwork.read(content.path)
        stylised = pixels_of(self._transferred(image_of(self._sized(work.pixels)), work.pixels, studies))
        note = self._note(content, recipe)
        path = self._place(content, recipe, self.suffix or own_suffix(content.path), note)
        artwork.write(path, stylised, work, note)
        return work.pixels, artwork.on_white(stylised, work)

    def _make_clip(self, content: Content, recipe: Recipe, studies: Studies) -> Shown:
        note = self._note(content, recipe)
        path = self._place(content, recipe, content.path.suffix, note)
        clips.write_clip(path, self._frames(content, studies), clips.rate_of(content.path), note, content.path)
        return next(clips.frames(content.path)), next(clips.frames(path))

    def _frames(self, content: Content, studies: Studies) -> Iterator[Tensor]:
        smooth = Smoother()
        for frame in clips.frames(content.path):
            image = image_of(self._sized(frame))
            yield pixels_of(smooth(image, self._transferred(image, frame, studies)))

    def _place(self, content: Content, recipe: Recipe, suffix: str, note: dict[str, Any]) -> Path:
        return self.tally.place(self.out / f"{content.name}_stylized_{recipe.name}{suffix}", note)

    def _transferred(self, image: Tensor, pixels: Tensor, studies: Studies) -> Tensor:
        """An image (1, 3, H, W), of which `pixels` (3, h, w) are the original, in the styles."""
        torch.manual_seed(self.request.seed or 0)
        regions = self._regions(pixels, image, len(studies.recipe.styles))
        mixture = Mixture(studies.of(image), studies.recipe.weights, self.request.strength, regions)
        stylised = self.chosen.method.stylize(image, mixture)
        if not self.chosen.steps:
            self.progress.advance()
        if not stylised.sum().isfinite():  # of values in [-1, 1], and so only where one of them is not
            raise RunError("the result is not finite: the weights or the style are not fit for it")
        return stylised if self.policy is None else self.policy.after(stylised, image)

    def _regions(self, pixels: Tensor, image: Tensor, count: int) -> Tensor | None:
        if self.request.mask is None:
            return None
        height, width = pixels.shape[1:]
        regions = masks.shares(self._mask(self.request.mask, count, (height, width)).to(image.device), count)
        return interpolate(regions, image.shape[2:], mode="bilinear", antialias=True)  # sums to 1 still

    @property
    def _size(self) -> int | None:
        return self.request.size or (OPTIMISED_SIZE if self.chosen.steps else None)

    def _sized(self, pixels: Tensor) -> Tensor:
        return sized(pixels, self._size or max(pixels.shape[1:]))

    def _note(self, content: Content | None, recipe: Recipe | None) -> dict[str, Any]:
        asked = self.request
        return given(
            method=self.chosen.method.name,
            **self.chosen.note,
            content=content and identity(content.path),
            styles=recipe and recipe.origin,
            strength=asked.strength,
            preserve_color=asked.preserve_color,
            mask=asked.mask and identity(asked.mask),
            size=asked.size,
            style_size=None if self.chosen.learned else asked.style_size or STYLE_SIZE,
            seed=asked.seed or 0 if self.chosen.draws else None,
            atelier=version("atelier"),
            torch=version("torch"),
        )


def _files(wanted: Sequence[Recipe]) -> list[Path]:
    return [style.path for recipe in wanted for style in recipe.styles if isinstance(style, FileStyle)]


def _tell_of_coarse_eye(chosen: Chosen, settings: Settings) -> None:
    if settings.encoder is None and chosen.note.get("encoder") == EMBEDDED:
        tell(
            "--encoder: none is named and no weights are at hand, so the package's own looks, the coarsest; "
            "`atelier weights fetch vgg19` brings a better one"
        )
