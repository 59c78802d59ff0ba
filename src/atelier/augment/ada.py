"""Augmentations that do not leak (Karras et al. 2020, "Training generative adversarial networks with limited data")."""

import torch
from torch import Tensor

from atelier import processes
from atelier.augment.base import Augment
from atelier.augment.chance import Chance
from atelier.augment.colours import random_colours, recolour
from atelier.augment.geometry import affine, blit
from atelier.augment.pixels import warp
from atelier.precision import full_precision


class StochasticAugment(Augment):
    """Blits, geometry and colours, the paper's "bgc": each change happens to an image with a fixed probability.

    As long as more images keep an orientation, a place or a colour than get another, the generator cannot make up for
    the changes by drawing them (section 2.2: no leak below a probability of about 0.8). Images may leave [-1, 1].
    """

    probability: Tensor

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ValueError(f"probability must be between 0 and 1, got {probability}")
        # where it is fixed it is the config's, and not the checkpoint's: a run that goes on may be given another
        self.register_buffer("probability", torch.tensor(float(probability)), persistent=self.adaptive)

    def forward(self, images: Tensor) -> Tensor:
        images, size = full_precision(images), (images.shape[2], images.shape[3])
        chance = Chance(len(images), self.probability)
        with torch.autocast(images.device.type, enabled=False):  # coordinates in half precision miss their pixels
            warped = warp(images, blit(chance, size) @ affine(chance, size))
            return recolour(warped, *random_colours(chance))

    def readings(self) -> dict[str, Tensor]:
        return {"probability": self.probability.clone()}


class Ada(StochasticAugment):
    """Adaptive discriminator augmentation: the more the discriminator overfits, the more probable (section 3).

    Overfitting is r_t = E[sign(D(real))], the mean sign of the real images' logits (eq. 1). After every `every`
    batches the probability takes a step up if that is above `target`, or down if it is below; steps are so
    large that from 0 to 1 they take `ramp_images` images. It stays in [0, 1]: the paper bounds it below only, but above
    1 it would change nothing any more. The paper's logits are those of the non-saturating objective, undecided at 0;
    of others the sign is that of the distance from where they are (`Objective.undecided`).
    """

    adaptive = True
    sign_sum: Tensor
    images: Tensor
    batches: Tensor

    def __init__(self, target: float = 0.6, ramp_images: int = 500_000, every: int = 4) -> None:
        super().__init__(probability=0)
        if not 0 < target < 1:
            raise ValueError(f"target must be between 0 and 1, got {target}")
        if ramp_images < 1:
            raise ValueError(f"ramp_images must be >= 1, got {ramp_images}")
        if every < 1:
            raise ValueError(f"every must be >= 1, got {every}")
        self.target, self.ramp_images, self.every = target, ramp_images, every
        for name in ("sign_sum", "images", "batches"):  # since the last step of the probability
            self.register_buffer(name, torch.tensor(0.0))

    @torch.no_grad()
    def observe(self, sureness: Tensor) -> None:
        """Nothing here waits for the device: which batch is the `every`-th is computed there, too."""
        signs = sureness.float().sign().reshape(len(sureness), -1).mean(1)
        seen = processes.summed(torch.stack([signs.sum(), torch.ones_like(signs).sum()]))
        self.sign_sum += seen[0]
        self.images += seen[1]
        self.batches += 1
        due = self.batches >= self.every
        step = (self.sign_sum / self.images - self.target).sign() * self.images / self.ramp_images
        self.probability.copy_(torch.where(due, (self.probability + step).clamp(0, 1), self.probability))
        for tally in (self.sign_sum, self.images, self.batches):
            tally.masked_fill_(due, 0)
