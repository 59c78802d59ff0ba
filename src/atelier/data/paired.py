"""Pairs for translation that is taught by example: sketches with their pictures, maps with photographs."""

import logging
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np
from pytorch_lightning.utilities import rank_zero_only

from atelier.data.crops import Crops, Middles
from atelier.data.divided import DividedData
from atelier.data.fingerprint import digest_of
from atelier.data.joined import Joined, PairLayout
from atelier.data.module import one_of
from atelier.data.origins import existing_folder
from atelier.data.pairing import CropStream
from atelier.data.side_by_side import SideBySide
from atelier.data.two_folders import TwoFolders
from atelier.data.types import Paired

log = logging.getLogger(__name__)

Direction = Literal["left_to_right", "right_to_left"]


@dataclass(frozen=True)
class AlignedCrops:
    """Contents and their targets, of the same sides, both cropped to `size` x `size` at the same place."""

    contents: Crops
    targets: Crops
    size: int

    def __len__(self) -> int:
        return len(self.contents)

    def batch(self, indices: np.ndarray, flips: np.ndarray, corners: np.ndarray | None = None) -> Paired:
        """The pairs at `indices` in [-1, 1], mirrored where `flips`; without `corners`, as in `CropDraw`, the middles.

        Nothing is marked as known.
        """
        if corners is None:
            corners = np.full((len(indices), 2), (self.contents.side - self.size) // 2)
        content, target = (side.cut(indices, corners, self.size, flips) for side in (self.contents, self.targets))
        return Paired(content, target)


@dataclass(kw_only=True, eq=False)
class PairedPictures(DividedData):
    """Crops of contents, each with the same crop of what it is to become, mirrored together.

    Either two folders, `content` and `target`, or `root` with pictures side by side. Of each picture the middle square
    is kept, and both sides of a pair at the same size: their aspects should be equal, and a target of higher resolution
    is no task of super-resolution here. In a folder that is divided into `train`, `val` and `test`, as pix2pix's are,
    the latter two are for validation, and no others.
    """

    batch: ClassVar[type] = Paired

    content: str | None = None
    """A folder; each picture's partner in `target` has the same path below it, the suffix aside."""
    target: str | None = None
    root: str | None = None
    """A folder whose pictures are twice as wide as what is in them."""
    direction: Direction = "left_to_right"
    """Which half of a side-by-side picture is the content, and which the target."""
    image_size: int
    """Pixels along a side of the crops."""
    resize: int | None = None
    """The same of the squares that are cropped; None: `zoom` times the crops; `image_size`: all of each is seen."""
    zoom: float = 1.117
    """Isola et al. 2017, section 6.2, crop 256 px out of 286."""

    train_pixels: AlignedCrops = field(init=False, repr=False)
    validation_pixels: AlignedCrops = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("direction", self.direction, get_args(Direction))
        if self.resize is not None and self.resize < self.image_size:
            raise ValueError(f"resize must be at least data.image_size ({self.image_size}), got {self.resize}")
        if self.zoom < 1:
            raise ValueError(f"zoom must be at least 1, got {self.zoom}")
        self._side = self.resize or round(self.zoom * self.image_size)
        self._layout = self._chosen_layout()

    def _chosen_layout(self) -> PairLayout:
        if self.root is not None:
            for name, given in (("content", self.content), ("target", self.target)):
                if given is not None:
                    raise ValueError(f"{name} must be null where data.root is given, got {given!r}")
            return SideBySide(existing_folder("root", self.root), _CONTENT[self.direction])
        if self.content is None and self.target is None:
            raise ValueError(
                "root must be a folder of side-by-side pictures, or data.content and data.target two folders"
            )
        if self.content is None or self.target is None:
            lacking, given = ("content", "target") if self.content is None else ("target", "content")
            raise ValueError(f"{lacking} must be a folder where data.{given} is one, got None")
        if self.direction != "left_to_right":
            raise ValueError(
                f"direction must be left_to_right where data.root is null, got {self.direction!r}; "
                "exchange data.content and data.target"
            )
        return TwoFolders(*(existing_folder(name, getattr(self, name)) for name in ("content", "target")))

    def find(self) -> None:
        """Find the pictures' pixels, or make them. Raises UserError where they do not pair or are too few."""
        pairs = self._layout.joined(self._side)
        training, held_out = pairs.split(self.validation)
        self.refuse_few(training, held_out, "pairs")
        self.train_pixels = self._aligned(pairs, training)
        self.validation_pixels = self._aligned(pairs, held_out)
        everything = [side.key for side in pairs.crops(np.arange(len(pairs.names)))]
        self.fingerprint = digest_of([*everything, str(self.image_size)])
        _tell(len(training), len(held_out), pairs.left_out)

    def _aligned(self, pairs: Joined, chosen: np.ndarray) -> AlignedCrops:
        contents, targets = pairs.crops(chosen)
        return AlignedCrops(contents, targets, self.image_size)

    def stream(self, rank: int, world: int) -> CropStream:
        """The order of training, for process `rank` of `world`."""
        margin = self._side - self.image_size
        return CropStream(len(self.train_pixels), self.batch_size, self.seed, margin, rank, world, self.hflip)

    @property
    def targets(self) -> Middles:
        """The targets for training, cropped in their middles. Prepares the data first."""
        self.prepare()
        return self.train_pixels.targets.middles(self.image_size)


_CONTENT: dict[Direction, Literal["left", "right"]] = {"left_to_right": "left", "right_to_left": "right"}


@rank_zero_only
def _tell(training: int, held_out: int, left_out: int) -> None:
    broken = f"; {left_out} have a broken picture and are left out" if left_out else ""
    log.info("%s pairs for training, %s for validation%s", f"{training:,}", f"{held_out:,}", broken)
