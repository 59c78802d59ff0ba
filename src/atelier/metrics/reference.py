"""What scores need to know of the real images, computed once and kept by content."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from atelier.errors import UserError
from atelier.files import cache_root, lock_of, remove_halves, replacing
from atelier.metrics.accumulators import FeatureMoments
from atelier.metrics.extractors.base import BATCH, Extractor
from atelier.metrics.frechet import Factored
from atelier.metrics.kernel import own_sums
from atelier.metrics.manifold import reach

log = logging.getLogger(__name__)

KEPT = 10_000
"""Real images whose features are kept, for scores that compare image with image; of more, evenly spaced ones."""

VERSION = 1
"""Raised whenever the same images would give other numbers, so that references made before are not used."""


class Pictures(Protocol):
    """Real images."""

    @property
    def key(self) -> str:
        """Names their content."""

    @property
    def labels(self) -> Tensor | None:
        """int64 (N,), where they have classes."""

    def __len__(self) -> int: ...

    def batches(self, size: int) -> Iterator[Tensor] | Iterator[list[Tensor]]:
        """All of them in their order: uint8 (B, 3, H, W), or lists of images (3, H, W) of different sizes."""


@dataclass
class Reference:
    """The real side of every score."""

    gaussian: Factored
    """Mean and covariance of all images' features, with the covariance's root; float64."""
    count: int
    features: Tensor
    """float32 (K, D), of K images, KEPT at most."""
    numbers: Tensor
    """int64 (K,): which of the images these are."""
    labels: Tensor | None = None
    """int64 (K,), where the images have classes."""
    classes: tuple[str, ...] = ()
    _reach: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Features of an image."""
        return len(self.gaussian.mean)

    def reach(self, neighbours: int) -> Tensor:
        """Radii of the kept images' neighbourhoods, float64 (K,)."""
        if neighbours not in self._reach:
            self._reach[neighbours] = reach(self.features, neighbours)
        return self._reach[neighbours]

    @cached_property
    def kernel_sums(self) -> Tensor:
        """Sums of each kept image's kernels with the others, float64 (K,)."""
        return own_sums(self.features)

    def labelled(self, labels: Tensor | None, classes: tuple[str, ...]) -> "Reference":
        """With the classes of all images, (count,)."""
        return replace(self, labels=None if labels is None else labels[self.numbers], classes=classes)

    def to(self, device: torch.device) -> "Reference":
        labels = None if self.labels is None else self.labels.to(device)
        gaussian = Factored(*(part.to(device) for part in self.gaussian))
        return replace(self, gaussian=gaussian, features=self.features.to(device), labels=labels, _reach={})


def reference(pictures: Pictures, extractor: Extractor, device: torch.device) -> Reference:
    """From the cache when these very images went through this very network before.

    Raises UserError for fewer than two images, whose covariance there is none of, and for a network whose features of
    them are not finite.
    """
    if len(pictures) < 2:
        raise UserError(f"scores need at least 2 real images, got {len(pictures)}")
    path = cache_root() / "statistics" / f"{extractor.name}-{_key(pictures, extractor)}.safetensors"
    if stored := _stored(path):
        return stored
    with lock_of(path):
        return _stored(path) or _made(path, pictures, extractor, device)  # another process may have made it meanwhile


def _stored(path: Path) -> Reference | None:
    with suppress(FileNotFoundError, SafetensorError, KeyError):  # a damaged file is made anew
        return _load(path)
    return None


def _made(path: Path, pictures: Pictures, extractor: Extractor, device: torch.device) -> Reference:
    log.info("measuring %s real pictures with %s, once", f"{len(pictures):,}", extractor.name)
    result = _measure(pictures, extractor, device)
    remove_halves(path.parent, path.name)  # of a process that was killed: the lock is ours
    parts = {
        "mean": result.gaussian.mean,
        "factor": result.gaussian.factor.contiguous(),
        "count": torch.tensor(result.count),
        "features": result.features,
        "numbers": result.numbers,
    }
    with replacing(path) as partial:
        partial.write_bytes(save(parts))  # `save_file` has an error of its own for a full disk
    return result


def _measure(pictures: Pictures, extractor: Extractor, device: torch.device) -> Reference:
    numbers = torch.linspace(0, len(pictures) - 1, min(KEPT, len(pictures)), dtype=torch.float64).round().long()
    chosen = torch.zeros(len(pictures), dtype=torch.bool)
    chosen[numbers] = True
    moments, kept, start = FeatureMoments(extractor.size), [], 0
    for batch in pictures.batches(BATCH):
        on_device = batch.to(device) if isinstance(batch, Tensor) else [image.to(device) for image in batch]
        features = extractor(on_device).pooled.cpu()
        if not features.isfinite().all():
            raise UserError(f"metrics: the {extractor.name} network's features of real images are not finite")
        moments.take(features)
        kept.append(features[chosen[start : start + len(batch)]])
        start += len(batch)
    # every process measures all of the images: there is nothing to add up over processes
    return Reference(moments.own_evidence().factored(), len(pictures), torch.cat(kept), numbers)


def _key(pictures: Pictures, extractor: Extractor) -> str:
    text = "|".join([str(VERSION), pictures.key, str(len(pictures)), extractor.digest, extractor.kernel])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _load(path: Path) -> Reference:
    stored = load_file(path)
    gaussian = Factored(stored["mean"], stored["factor"])
    return Reference(gaussian, int(stored["count"]), stored["features"], stored["numbers"])
