"""What stands between images and the discriminator."""

from typing import ClassVar

from torch import Tensor, nn


class Augment(nn.Module):
    """Random, differentiable changes of images (B, 3, H, W) in [-1, 1], each image's its own; here none.

    Every image that the discriminator judges comes through it, real or generated, so the generator does not learn to
    draw the changes (Zhao et al. 2020, "Differentiable augmentation"; Karras et al. 2020, "Training generative
    adversarial networks with limited data"). It can be differentiated twice: a gradient penalty looks through it.
    What it learns is in buffers, and so in checkpoints.
    """

    adaptive: ClassVar[bool] = False
    """Whether it wants to `observe` the discriminator."""

    def forward(self, images: Tensor) -> Tensor:
        return images

    def observe(self, sureness: Tensor) -> None:
        """Told in every discriminator step, without a graph, how far above undecided the real images' logits are.

        (B,), or (B, P) where P parts of each image are judged.
        """

    def readings(self) -> dict[str, Tensor]:
        """What is worth a column of the record, scalars by name."""
        return {}
