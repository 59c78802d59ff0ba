"""DINOv2 (Oquab et al. 2024), whose Fréchet distance follows people's judgement better than Inception's does.

So found Stein et al. 2023, "Exposing flaws of generative model evaluation metrics", with the largest of the three here
and at 224 pixels. Their images were resized by PIL's bicubic filter; here they are by the kernel of every metric.
"""

from collections.abc import Mapping
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from atelier.metrics.extractors.base import Features
from atelier.metrics.extractors.pretrained import PretrainedExtractor, normalised
from atelier.metrics.extractors.resizing import Kernel
from atelier.networks.vgg import DEVIATION, MEAN
from atelier.wording import listed

ARCHITECTURES: dict[str, tuple[str, int]] = {
    "dinov2_vits14": ("vit_small_patch14_dinov2", 384),
    "dinov2_vitb14": ("vit_base_patch14_dinov2", 768),
    "dinov2_vitl14": ("vit_large_patch14_dinov2", 1024),
}
"""The authors' names for them: timm's, and how many features they have."""

_SIDE, _PATCH = 224, 14


class DinoExtractor(PretrainedExtractor):
    """The class token after the last norm; there are no classes.

    `architecture` is one of ARCHITECTURES, and stands before the names of the scores. `weights` is the authors' file or
    timm's; None takes the authors' from the cache, or downloads it there once.
    """

    side, classes = _SIDE, None

    def __init__(
        self, architecture: str = "dinov2_vitl14", weights: str | None = None, kernel: Kernel = "antialias"
    ) -> None:
        if architecture not in ARCHITECTURES:
            raise ValueError(f"architecture must be one of {listed(ARCHITECTURES)}, got {architecture!r}")
        self.name = self.published = architecture
        super().__init__(weights, kernel)
        self.size = ARCHITECTURES[architecture][1]

    def load(self, device: torch.device) -> None:
        self.network = self.filled().to(device)

    def adapted(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        adapted = {name: part for name, part in state.items() if name != "mask_token"}  # of its training alone
        if "pos_embed" in adapted:
            adapted["pos_embed"] = positions(adapted["pos_embed"], _SIDE // _PATCH)
        return adapted

    def blank(self, state: Mapping[str, Tensor]) -> nn.Module:
        from timm import create_model  # takes a second to import

        with torch.device("meta"):  # draws nothing, and all of it comes from the file
            return create_model(ARCHITECTURES[self.name][0], pretrained=False, num_classes=0, img_size=_SIDE)

    def extract(self, images: Tensor) -> Features:
        return Features(self.network(normalised(images, MEAN, DEVIATION)), None)


def positions(embedding: Tensor, side: int) -> Tensor:
    """The class token's position and those of a square of patches, (1, 1 + N², D), for a square of side² patches.

    As the authors' own code brings its 37 x 37 to 16 x 16, so that scores are theirs: timm's filters against aliasing,
    and has no tenth of a patch, which was to keep a rounded size from falling short but scales the grid as well.
    """
    tokens, width = embedding.shape[-2:]
    before = isqrt(tokens - 1)
    if before == side or before**2 != tokens - 1:  # nothing to do, or another network's
        return embedding
    grid = embedding[:, 1:].float().reshape(1, before, before, width).permute(0, 3, 1, 2)
    scale = (side + 0.1) / before
    resized = interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([embedding[:, :1].float(), resized.flatten(2).transpose(1, 2)], 1)
