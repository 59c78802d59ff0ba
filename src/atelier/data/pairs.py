"""Pairs for style transfer and unpaired translation: photographs and paintings, each in an order of their own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor

from atelier.data import origins
from atelier.data.cache import Cache, Column
from atelier.data.crops import Crops, Middles
from atelier.data.divided import DividedData
from atelier.data.fingerprint import digest_of
from atelier.data.module import ImageData, one_of
from atelier.data.origins import PICTURE, Origin
from atelier.data.pairing import Pairs, PairStream
from atelier.data.split import split
from atelier.data.types import Pair
from atelier.errors import UserError

log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class ContentStyle(DividedData):
    """Random crops of contents, each with a random crop of a style.

    Huang and Belongie 2017, section 6.1, crop 256 x 256 out of pictures whose smaller side is 512. Here the crop is
    out of the picture's middle square, for that is what the pixel cache keeps. `validation` is the share of either.
    """

    batch: ClassVar[type] = Pair

    content: str | Callable[..., ImageData]
    """A folder, or a factory of a data module, which is told `image_size`, `batch_size` and `seed`; only its pictures
    and its label are used."""
    style: str | Callable[..., ImageData]
    """The same, or a picture's file."""
    image_size: int
    """Pixels along a side of the crops."""
    resize: int | None = None
    """The same of the squares that are cropped; None: `zoom` times the crops."""
    style_resize: int | None = None
    """The same of styles; None: as `resize`. The larger, the larger the strokes that are learnt."""
    zoom: float = 2.0
    """How many times as large as the crops the squares are, where nothing else is said. Zhu et al. 2017 translate
    crops of 256 px out of 286, which is 1.117."""
    style_hflip: bool = False
    """Whether styles are mirrored as well, whatever becomes of their contents."""
    label: Literal["picture", "folder"] | None = None
    """What a class of styles is. With "picture" all styles are for training and for validation too."""

    train_pixels: Pairs = field(init=False, repr=False)
    validation_pixels: Pairs = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("label", self.label, [PICTURE, "folder", None])
        for name in ("resize", "style_resize"):
            if (side := getattr(self, name)) is not None and side < self.image_size:
                raise ValueError(f"{name} must be at least data.image_size ({self.image_size}), got {side}")
        if self.zoom < 1:
            raise ValueError(f"zoom must be at least 1, got {self.zoom}")
        self._side = self.resize or round(self.zoom * self.image_size)
        self._style_side = self.style_resize or self._side
        self._content = self._origin("content", self.content, self._side, origins.folder)
        self._style = self._origin("style", self.style, self._style_side, origins.folder_or_picture)

    def _origin(
        self, name: str, given: str | Callable[..., ImageData], side: int, at_path: Callable[[str, str], Origin]
    ) -> Origin:
        if isinstance(given, str):
            return at_path(name, given)
        return origins.module(name, given, image_size=side, batch_size=self.batch_size, seed=self.seed)

    def find(self) -> None:
        """Find the pictures' pixels, or make them. Raises UserError where they are too few."""
        contents = self._content.cached(self._side, named=False)
        styles = self._style.cached(self._style_side, named=self.label == PICTURE)
        training, held_out = split(contents.digests, contents.held_out, self.validation)
        self.refuse_few(training, held_out, "contents")
        self.classes, codes = self._labels(styles)
        self._all_styles = Crops(styles, np.arange(len(styles.digests)), codes)
        learnt, others = self._split_styles(styles)
        self.train_pixels = Pairs(Crops(contents, training), Crops(styles, learnt, codes), self.image_size)
        self.validation_pixels = Pairs(Crops(contents, held_out), Crops(styles, others, codes), self.image_size)
        everything = Crops(contents, np.arange(len(contents.digests)))
        self.fingerprint = digest_of([everything.key, self._all_styles.key, str(self.image_size)])
        _tell(self.train_pixels, self.validation_pixels, contents.broken + styles.broken)

    def _labels(self, styles: Cache) -> tuple[tuple[str, ...], np.ndarray | None]:
        """The classes' names, and each style's class."""
        if self.label is None:
            return (), None
        wanted = (PICTURE,) if self.label == PICTURE else self._style.columns
        found: list[Column] = [styles.columns[column] for column in wanted if column in styles.columns]
        if not found:
            raise UserError("data.label: the pictures of data.style do not lie in sub-folders; choose picture or null")
        return found[0]

    def _split_styles(self, styles: Cache) -> tuple[np.ndarray, np.ndarray]:
        """A single style, or one that is learnt as such, is validated on what was learnt."""
        everything = np.arange(len(styles.digests))
        training, held_out = split(styles.digests, styles.held_out, self.validation)
        return (everything, everything) if self.label == PICTURE or not len(training) else (training, held_out)

    def stream(self, rank: int, world: int) -> PairStream:
        """The order of training, for process `rank` of `world`."""
        contents, styles = len(self.train_pixels.contents), len(self.train_pixels.styles)
        margins = self._side - self.image_size, self._style_side - self.image_size
        mirrored = self.hflip, self.style_hflip
        return PairStream(contents, styles, self.batch_size, self.seed, margins, rank, world, *mirrored)

    @property
    def targets(self) -> Middles:
        """The styles for training, cropped in their middles. Prepares the data first."""
        self.prepare()
        return self.train_pixels.styles.middles(self.image_size)

    @property
    def style_count(self) -> int:
        """How many styles there are, held-out ones too. Prepares the data first."""
        self.prepare()
        return len(self._all_styles)

    def style_pictures(self) -> Tensor:
        """All styles, held-out ones too, as they are stored, uncropped: uint8 (N, 3, S, S), S their `resize`.

        In the order of their classes, so that with the label "picture" number i is class i. Prepares the data first.
        """
        self.prepare()
        pictures = self._all_styles.images(0, len(self._all_styles))
        labels = self._all_styles.labels
        return pictures if labels is None else pictures[labels.argsort(stable=True)]


@rank_zero_only
def _tell(training: Pairs, validation: Pairs, broken: int) -> None:
    contents, styles = len(training.contents), len(training.styles)
    others = f"{len(validation.contents):,} and {len(validation.styles):,} for validation"
    left_out = f"; {broken} are broken and left out" if broken else ""
    log.info("%s contents and %s styles for training, %s%s", f"{contents:,}", f"{styles:,}", others, left_out)
