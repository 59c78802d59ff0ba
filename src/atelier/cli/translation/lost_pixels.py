"""Which pixels of a picture are lost, by `--mask`."""

from pathlib import Path

from torch import Tensor

from atelier.cli.pictures.contents import Content, contents_of
from atelier.errors import UserError
from atelier.networks.translator import Translator
from atelier.translate.inpainting import known_of
from atelier.wording import did_you_mean


class Masks:
    """What is lost of each picture: one mask for all of them, or a folder with one of each picture's name.

    Raises UserError for a path that is neither, and for a network that enlarges: pixels cannot stay as they are then.
    """

    def __init__(self, path: Path, network: Translator) -> None:
        if network.scale != 1:
            raise UserError(f"--mask: this run enlarges pictures x{network.scale}, and no pixel stays as it was")
        self.path = path
        self.files: dict[str, Path] = {}
        for content in contents_of(path, "--mask"):
            if (other := self.files.setdefault(content.name, content.path)) != content.path:
                raise UserError(f"--mask: {other} and {content.path} are of one name, and of which picture is not told")

    def known(self, content: Content, pixels: Tensor) -> Tensor:
        """bool (1, H, W), of a picture (3, H, W). Raises UserError where its mask is absent or does not fit."""
        return known_of(self.of(content), (pixels.shape[1], pixels.shape[2]))

    def of(self, content: Content) -> Path:
        """Raises UserError where it has none."""
        if not self.path.is_dir():
            return self.path
        if content.own not in self.files:
            raise UserError(f"no mask of this name in {self.path}{did_you_mean(content.own, self.files)}")
        return self.files[content.own]
