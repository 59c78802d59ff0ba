"""The work of `atelier translate` and `atelier restore`: every picture through a run's network, whatever its size."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from atelier.cli.devices import device
from atelier.cli.pictures.contact_sheet import Sheet, place_beside
from atelier.cli.pictures.contents import Content, contents, identity, tell_of_animations
from atelier.cli.pictures.earlier_outputs import Outputs
from atelier.cli.pictures.formats import FORMATS, LOSSLESS, own_suffix, suffix_of
from atelier.cli.pictures.images import image_of, pixels_of, sized
from atelier.cli.pictures.tally import Tally
from atelier.cli.trained import folder_name, given
from atelier.cli.translation.lost_pixels import Masks
from atelier.cli.translation.translators import Learned
from atelier.data.pictures import PIXEL_LIMIT, BrokenPicture
from atelier.data.progress import bar
from atelier.errors import RunError, UserError
from atelier.failures import tell
from atelier.networks.translator import Translator
from atelier.stylize import artwork
from atelier.tasks.paired import TO_TARGET
from atelier.translate.tiles import OVERLAP, SIDE
from atelier.translate.windows import Windows
from atelier.wording import listed


class Request(NamedTuple):
    """What is wanted of every picture."""

    out: Path | None = None
    """None: a folder named by what makes these pictures others than another request would."""
    tile: int = SIDE
    overlap: int = OVERLAP
    suffix: str | None = None
    size: int | None = None
    formats: tuple[str, ...] = FORMATS
    """Those of its own that a picture keeps where no suffix is asked for."""

    @property
    def chosen_suffix(self) -> str | None:
        return None if self.suffix is None else suffix_of(self.suffix)


class Translating:
    """Of a command; without a folder of their own, pictures go into one in `root`.

    Raises UserError for what no picture could come of; what only some cannot is told, and left out.
    """

    def __init__(
        self,
        command: str,
        learned: Learned,
        direction: str,
        request: Request,
        root: str,
        word: str,
        masks: Masks | None = None,
    ) -> None:
        self.learned, self.direction, self.request, self.masks = learned, direction, request, masks
        self.command, self.root, self.word = command, Path(root), word
        self.windows = Windows(learned.networks[direction], request.tile, request.overlap, device())
        self.out = request.out or self.root / self._folder_name()
        self.sheet, self.tally = Sheet(), Tally()

    def run(self, paths: Sequence[Path]) -> int:
        """How many pictures failed; the others' names end in `word`."""
        outputs = Outputs(self.out, self.request.out or self.root)
        found = contents(paths, "INPUT", self.tally.leave_out, outputs.among)
        outputs.tell("INPUT")
        sheet = place_beside(self.out, self.command)
        tell_of_animations([content.path for content in found])
        with (
            self.sheet.saved(sheet, {"command": self.command, **self._note(None, None)}),
            self.tally.interruptible(self.out),
            bar(self.word, len(found)) as advance,
        ):
            for content in found:
                with self.tally.attempt(content.path):
                    self._make(content)
                advance()
        return self.tally.failed

    @property
    def told(self) -> str:
        return self.tally.told(self.out)

    def _folder_name(self) -> str:
        """By the run, by the direction where it has several, and by what of the request is not as usual."""
        asked = self.request._replace(out=None, suffix=None, formats=FORMATS)
        unusual = {key: fact for key, fact in asked._asdict().items() if fact != Request._field_defaults[key]}
        run, step = self.learned.origin["run"], self.learned.origin["step"]
        direction = self.direction if len(self.learned.networks) > 1 else None
        return folder_name(run, step=step, direction=direction, mask=self.masks and self.masks.path.name, **unusual)

    def _make(self, content: Content) -> None:
        work = artwork.read(content.path)
        pixels = work.pixels if self.request.size is None else sized(work.pixels, self.request.size)
        self._refuse_endless(pixels)
        known = None if self.masks is None else self.masks.known(content, pixels)
        drawn = self._drawn(pixels, known)
        suffix = self.request.chosen_suffix or own_suffix(content.path, self.request.formats)
        note = self._note(content, None if self.masks is None else self.masks.of(content))
        path = self.tally.place(self.out / f"{content.name}_{self.word}{suffix}", note)
        artwork.write(path, drawn, work, note, known)
        self.sheet.note(content.name, self.word, pixels, None, artwork.on_white(drawn, work))

    def _refuse_endless(self, pixels: Tensor) -> None:
        """Before the memory for it is asked for."""
        if (made := pixels[0].numel() * self.windows.network.scale**2) > PIXEL_LIMIT:
            raise BrokenPicture(f"{made:,} pixels would come out, more than {PIXEL_LIMIT:,}")

    def _drawn(self, pixels: Tensor, known: Tensor | None) -> Tensor:
        """uint8 (3, scale * H, scale * W), of pixels (3, H, W); the known among them are the same."""
        image = image_of(pixels, torch.device("cpu"))
        drawn = self.windows.draw(image, None if known is None else known[None].float())
        if not drawn.sum().isfinite():  # of values in [-1, 1], and so only where one of them is not
            raise RunError("the result is not finite: the weights are not fit for it")
        made = pixels_of(drawn)
        return made if known is None else torch.where(known, pixels, made)

    def _note(self, content: Content | None, mask: Path | None) -> dict[str, Any]:
        asked = self.request
        return given(
            **self.learned.origin,
            direction=self.direction,
            content=content and identity(content.path),
            mask=mask and identity(mask),
            size=asked.size,
            tile=asked.tile,
            overlap=asked.overlap,
            atelier=version("atelier"),
            torch=version("torch"),
        )


def translate(run: Path, checkpoint: Path | None, direction: str | None, request: Request) -> Translating:
    _refuse_narrow(request)
    learned = Learned(run, checkpoint)
    chosen = learned.direction(direction)
    _tell_of_masks(learned.networks[chosen], "atelier restore --mask")
    return Translating("translate", learned, chosen, request, "translated", chosen)


def restore(run: Path, checkpoint: Path | None, mask: Path | None, request: Request) -> Translating:
    """A restored picture keeps its format only where that keeps its pixels."""
    _refuse_narrow(request)
    if mask is not None and request.chosen_suffix not in (None, *LOSSLESS):
        kept = [suffix[1:] for suffix in LOSSLESS]
        raise UserError(f"--format: with --mask what is known stays as it was, which only {listed(kept)} can promise")
    learned = Learned(run, checkpoint)
    learned.refuse_unpaired()
    network = learned.networks[TO_TARGET]
    if mask is None:
        _tell_of_masks(network, "--mask")
    masks = None if mask is None else Masks(mask, network)
    request = request._replace(formats=LOSSLESS)
    return Translating("restore", learned, TO_TARGET, request, "restored", "restored", masks)


def _tell_of_masks(network: Translator, way: str) -> None:
    if network.masked:
        tell(f"without {way} nothing of a picture counts as lost, and this run learned to fill in what is")


def _refuse_narrow(request: Request) -> None:
    """Before a run is loaded, as all that can be known of a request alone."""
    _ = request.chosen_suffix
    if 2 * request.overlap > request.tile:
        half = request.tile // 2
        raise UserError(f"--overlap: must be at most half of --tile, {half}, got {request.overlap}")
