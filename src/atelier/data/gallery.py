"""Pictures in a folder as they are, each of its own size: what scores are made of."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from atelier.data.fingerprint import fingerprint
from atelier.data.folder import picture_names, read, why_no_classes
from atelier.data.pictures import VERSION, BrokenPicture, decode_whole
from atelier.errors import UserError


class Gallery:
    """All pictures in a folder and below, in the order of their names. Sub-folders, where all lie in some, are classes.

    `option` is what the user gave it as. Raises UserError for what is no folder or has no pictures. A broken
    picture is an error too: without it, the score would be one of other pictures.
    """

    def __init__(self, root: Path, option: str) -> None:
        if not root.is_dir():
            raise UserError(f"{option}: {'not a folder' if root.exists() else 'no such folder'}: {str(root)!r}")
        self.root, self.option = root.absolute(), option
        self.names = picture_names(self.root, option)
        labelled = all("/" in name for name in self.names)
        self._classes = [name.split("/")[0] for name in self.names] if labelled else []
        self.classes = tuple(sorted(set(self._classes)))

    @property
    def why_no_classes(self) -> str:
        """What to tell of pictures without classes."""
        return why_no_classes(self.names)

    @cached_property
    def key(self) -> str:
        """Changes whenever a picture does, or a name."""
        return f"{fingerprint(self.root, self.names)}/whole/{VERSION}"

    @property
    def labels(self) -> Tensor | None:
        """int64 (N,), places in `classes`; None without classes."""
        return self.labels_among(self.classes)

    def labels_among(self, classes: Sequence[str]) -> Tensor | None:
        """The same as places in `classes`, for the folder that this one is compared with; None where one is missing."""
        if not self._classes or not set(self._classes) <= set(classes):
            return None
        return torch.tensor([classes.index(name) for name in self._classes])

    def __len__(self) -> int:
        return len(self.names)

    def batches(self, size: int) -> Iterator[list[Tensor]]:
        """All of them, uint8 (3, H, W) each; the last batch may be smaller."""
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(self), size):
                yield [*pool.map(self._read, self.names[start : start + size])]

    def _read(self, name: str) -> Tensor:
        try:
            pixels = decode_whole(read(self.root / name))
        except BrokenPicture as error:
            raise UserError(f"{self.option}: {self.root / name} cannot be used ({error})") from error
        return torch.tensor(pixels).permute(2, 0, 1)
