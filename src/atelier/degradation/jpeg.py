import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Generator

from atelier.degradation.base import Count, Damaged, Degradation, check_range, integer


@dataclass(frozen=True, kw_only=True)
class Jpeg(Degradation):
    """What compression leaves: blocks, ringing, colours at half the resolution."""

    quality: Count
    """libjpeg's: 1 is the worst, 100 the best."""

    def __post_init__(self) -> None:
        check_range("quality", self.quality, least=1, most=100)

    def __call__(self, damaged: Damaged, generator: Generator) -> Damaged:
        # by Pillow: torchvision's codec is deprecated
        levels = damaged.image.mul(255).round_().to(torch.uint8).permute(1, 2, 0).numpy()
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=integer(self.quality, generator))
        pixels = np.ascontiguousarray(np.asarray(Image.open(file)).transpose(2, 0, 1))
        return damaged._replace(image=torch.from_numpy(pixels).float().div_(255))
