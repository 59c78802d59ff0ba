"""How rough a picture is."""

from torch import Tensor, nn


class TotalVariation(nn.Module):
    """Squared differences of neighbours, right and below (Mahendran & Vedaldi 2015, β = 2; Johnson et al. 2016).

    The mean over pixels and channels, not a sum, so that it does not grow with the picture. A `circular` picture is one
    that tiles: what is left of its first column is the last one, and so with rows.
    """

    def __init__(self, circular: bool = False) -> None:
        super().__init__()
        self.circular = circular

    def forward(self, images: Tensor) -> Tensor:
        """The total variation (B,) of images (B, C, H, W)."""
        size = images[0].numel()
        steps = [self._steps(images, axis).square().sum((1, 2, 3)) / size for axis in (2, 3)]
        return steps[0] + steps[1]

    def _steps(self, images: Tensor, axis: int) -> Tensor:
        return images - images.roll(1, axis) if self.circular else images.diff(dim=axis)
