"""One content and one style, for methods that optimise a single picture."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from atelier.data.endless import EndlessData
from atelier.data.fingerprint import digest_of
from atelier.data.folder import read
from atelier.data.pictures import BrokenPicture, decode_whole
from atelier.data.types import Pair
from atelier.errors import UserError


@dataclass(kw_only=True, eq=False)
class ImagePair(EndlessData):
    """The same pair for ever, and once for validation: a step is an iteration on it. Pictures keep their aspect."""

    batch: ClassVar[type] = Pair

    content: str
    """A picture's file."""
    style: str
    image_size: int
    """The content's longer side, in pixels; smaller pictures are enlarged."""
    style_size: int | None = None
    """The style's; None: the same. It sets how large the style's strokes become."""
    batch_size: int = 1
    hflip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, size in {"image_size": self.image_size, "style_size": self.style_size}.items():
            if size is not None and size < 8:
                raise ValueError(f"{name} must be at least 8, got {size}")
        if self.batch_size != 1:
            raise ValueError(f"batch_size must be 1: there is one pair, got {self.batch_size}")
        if self.hflip:
            raise ValueError("hflip must be false: the pair is always the same, got True")
        self._files = {name: _file(name, getattr(self, name)) for name in ("content", "style")}

    def find(self) -> None:
        """Read both pictures. Raises UserError for a broken one."""
        content = _read("content", self._files["content"], self.image_size)
        style = _read("style", self._files["style"], self.style_size or self.image_size)
        self.train_pixels = self.validation_pixels = OnePair(Pair(content, style))
        self.fingerprint = digest_of([_name(content), _name(style)])


@dataclass(frozen=True)
class OnePair:
    """A collection of one pair. Its batches share memory, and are not to be written into."""

    pair: Pair

    def __len__(self) -> int:
        return 1

    def batch(self, indices: np.ndarray, flips: np.ndarray) -> Pair:
        """The pair, whatever is asked for: content (1, 3, h, w) and style (1, 3, h', w') in [-1, 1]."""
        return self.pair


def _file(name: str, given: str) -> Path:
    """Raises ValueError where it is none."""
    path = Path(given).expanduser()
    if not path.is_file():
        raise ValueError(f"{name}: {'not a file' if path.exists() else 'no such file'}: {given!r}")
    return path


def _read(name: str, file: Path, size: int) -> Tensor:
    """(1, 3, h, w) in [-1, 1], the longer side `size`."""
    try:
        picture = Image.fromarray(decode_whole(read(file)))
    except BrokenPicture as error:
        raise UserError(f"data.{name}: {str(file)!r} cannot be used ({error})") from error
    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    pixels = np.array(picture.resize((width, height), Image.Resampling.LANCZOS))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div_(127.5).sub_(1).contiguous()


def _name(picture: Tensor) -> str:
    """A text that names its shape and every pixel."""
    digest = hashlib.blake2b(picture.numpy().tobytes(), digest_size=16).hexdigest()
    return f"{tuple(picture.shape)}{digest}"
