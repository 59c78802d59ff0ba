"""ArtFID's network: Inception-v3 as it was fine-tuned on paintings."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torchvision.models import inception_v3

from atelier.metrics.extractors.base import Features, exactly
from atelier.metrics.extractors.pretrained import PretrainedExtractor

_HEADS = ("fc", "AuxLogits")
"""How the names of the classifiers begin. The authors' network has two of each, numbered."""


class ArtInceptionExtractor(PretrainedExtractor):
    """2048 features after the last pooling (Wright & Ommer 2022), of images of 75 pixels or more at their own size.

    As the authors' code has it, art-fid 0.0.2: layers and names of torchvision's Inception-v3, two heads in place of
    one, colours in [0, 1] without normalisation, and no resize to 299 pixels. That code takes a file whose names do not
    fit for one that fits; here all layers before the heads must be in it, and the heads, whose classes the authors do
    not state, are left out. Torchvision's own file would fit too: the card's digest tells them apart.

    `weights` is the authors' file; None takes it from the cache, or downloads it there once.
    """

    name, size, classes = "art_inception", 2048, None
    published = "art_inception"
    kernels = ("none",)

    def __init__(self, weights: str | None = None) -> None:
        super().__init__(weights, "none")

    def load(self, device: torch.device) -> None:
        self.network = self.filled().to(memory_format=torch.channels_last).to(device)

    def adapted(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: part for name, part in state.items() if not name.startswith(_HEADS)}

    def blank(self, state: Mapping[str, Tensor]) -> nn.Module:
        with torch.device("meta"):  # draws nothing, and all of it comes from the file
            network: nn.Module = inception_v3(weights=None, aux_logits=False, init_weights=False)
        network.fc = nn.Identity()
        return network

    @torch.no_grad()
    def __call__(self, images: Tensor | Sequence[Tensor]) -> Features:
        """Each image in a pass of its own, whatever its size."""
        with exactly(images[0].device):
            return Features(torch.cat([self.extract(image[None].float()).pooled for image in images]), None)

    def extract(self, images: Tensor) -> Features:
        return Features(self.network(images / 255), None)
