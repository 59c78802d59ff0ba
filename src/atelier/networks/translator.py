"""What every network that turns a picture into another is to the rest of the house."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from atelier.networks.taps import picked


class Translator(nn.Module, ABC):
    """Pictures (B, inputs, h, w) to pictures (B, 3, scale * h, scale * w) in [-1, 1].

    Three of the `inputs` are colours in [-1, 1]. Where the network is `masked` there is a fourth: 1 where a pixel is
    known, 0 where it is lost. Sides must be multiples of `multiple` and at least `least`.
    """

    def __init__(self, masked: bool = False, scale: int = 1, multiple: int = 1, least: int = 1) -> None:
        super().__init__()
        if scale < 1:
            raise ValueError(f"scale must be >= 1, got {scale}")
        if masked and scale != 1:
            raise ValueError(f"masked must be false where the picture is enlarged (scale {scale}), got True")
        self.masked, self.inputs, self.scale = masked, 3 + masked, scale
        self.multiple, self.least = multiple, least
        self.widths: dict[str, int] = {}
        """Channels of the maps that `features` can give, from the picture on."""
        self.encoder = nn.Sequential()
        """What the maps come out of: that of its part down1 is down1. pixels are the pictures themselves."""

    @abstractmethod
    def forward(self, pictures: Tensor) -> Tensor:
        """What the pictures become."""

    def features(self, pictures: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The named maps (B, width, h', w'); no layer behind the last of them is run.

        Raises ValueError for names that are not among `widths`.
        """
        return picked(self._walk(pictures), names, self.widths)

    def _walk(self, pictures: Tensor) -> Iterator[tuple[str, Tensor]]:
        yield "pixels", pictures
        for name, part in self.encoder.named_children():
            pictures = part(pictures)
            yield name, pictures

    def refuse_misfits(self, pictures: Tensor) -> None:
        """Raises ValueError for pictures of other channels or sides than the network can take."""
        if torch.compiler.is_compiling():  # where sides may be free, and a look at them would bind them
            return
        channels, *sides = pictures.shape[1:]
        if channels != self.inputs:
            raise ValueError(f"pictures must have {self.inputs} channels, got {tuple(pictures.shape)}")
        if min(sides) < self.least or any(side % self.multiple for side in sides):
            wanted = f"multiples of {self.multiple}, {self.least} or more"
            raise ValueError(f"pictures must have sides that are {wanted}, got {tuple(pictures.shape)}")


def complete(network: Translator, content: Tensor, known: Tensor | None) -> Tensor:
    """What the network makes of contents (B, 3, h, w), which keep the pixels that are `known`, (B, 1, h, w), exactly.

    A masked network sees 0 in place of what is lost; without `known` all is.
    """
    if not network.masked:
        drawn = network(content)
    else:
        seen = torch.ones_like(content[:, :1]) if known is None else known
        drawn = network(torch.cat([content * seen, seen], 1))
    return drawn if known is None else torch.where(known > 0, content, drawn)
