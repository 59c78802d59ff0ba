"""What one samples from: an averaged generator, and the classes of the data."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from atelier import processes
from atelier.data.types import Images
from atelier.hashing import mix
from atelier.networks.players import Generator
from atelier.tasks.adversarial import AdversarialTask
from atelier.tasks.average import MovingAverage


class LatentSampler(AdversarialTask):
    """A generator of latents and, where it has them, classes, with the average of it that samples."""

    class_counts: Tensor
    """How many pictures of each class training has shown: samples have the data's share of each."""

    def __init__(self, generator: Generator, average_decay: float, clip_norm: float | None) -> None:
        super().__init__(clip_norm)
        self.generator = generator.to(memory_format=torch.channels_last)
        if not 0 <= average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {average_decay}")
        self.average = MovingAverage(generator, average_decay)
        self.latent_dim, self.classes = generator.latent_dim, generator.classes
        self.register_buffer("class_counts", torch.zeros(self.classes or 0, dtype=torch.int64))

    def on_train_batch_start(self, batch: Images, batch_idx: int) -> None:
        if self.classes:
            assert batch.label is not None  # the data has the classes that the networks were built for
            counts = one_hot(batch.label, self.classes).sum(0)  # bincount would wait for the device
            self.class_counts += processes.summed(counts)

    @torch.no_grad()
    def sample(
        self,
        count: int,
        generator: torch.Generator | None = None,
        labels: Tensor | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Images (count, 3, H, W) in [-1, 1] of the averaged generator, of classes as frequent as in training.

        Latents and classes are drawn on the CPU, so that a seed means the same picture on every device.
        """
        latents, labels = self.draw(count, generator, labels)
        return self.synthesize(self.styles(latents, labels, truncation), labels)

    def draw(
        self, count: int, generator: torch.Generator | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Latents (count, latent_dim), and classes as frequent as in training where none are given."""
        latents = torch.randn(count, self.latent_dim, generator=generator)
        if self.classes and labels is None:
            shares = self.class_counts.cpu().double()
            shares = shares if shares.sum() else torch.ones_like(shares)
            labels = torch.multinomial(shares, count, replacement=True, generator=generator)
        return latents, labels

    def draw_numbered(self, seed: int, numbers: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """The latents and classes of these images of a seed: each is the same whatever others are drawn."""
        drawn = [self.draw(1, torch.Generator().manual_seed(mix(seed, number))) for number in numbers]
        latents, labels = zip(*drawn, strict=True)
        return torch.cat(latents), torch.cat(labels) if self.classes else None

    def numbered(
        self, seed: int, numbers: Sequence[int], truncation: float | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """These images of a seed, (B, 3, H, W) in [-1, 1], and their classes.

        As in `atelier sample`, an image has the same latent in whatever class `labels` put it.
        """
        latents, drawn = self.draw_numbered(seed, numbers)
        labels = drawn if labels is None else labels
        return self.synthesize(self.styles(latents, labels, truncation), labels), labels

    @torch.no_grad()
    def styles(self, latents: Tensor, labels: Tensor | None = None, truncation: float | None = None) -> Tensor:
        """What the averaged generator makes pictures of, (B, layers, D); see `Generator.styles`."""
        network: Generator = self.average.network  # type: ignore[assignment]
        return network.styles(latents.to(self.device), self._own(labels), truncation)

    @torch.no_grad()
    def synthesize(self, styles: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images in [-1, 1] of such styles."""
        network: Generator = self.average.network  # type: ignore[assignment]
        return network.synthesize(styles, self._own(labels)).float()

    def labels_of(self, batch: Images) -> Tensor | None:
        """The batch's labels, where the networks know classes."""
        return batch.label if self.classes else None

    def _own(self, labels: Tensor | None) -> Tensor | None:
        return labels.to(self.device) if self.classes and labels is not None else None
