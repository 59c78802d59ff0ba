"""What the Fréchet distance needs to know of the real images, computed once and kept by content."""

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from atelier.files import cache_root, replacing
from atelier.metrics.extractors import Extractor

log = logging.getLogger(__name__)


class Pixels(Protocol):
    """Real images as data modules give them: uint8, and a key that names their content."""

    key: str

    def __len__(self) -> int: ...

    def images(self, start: int, stop: int) -> Tensor: ...


@dataclass(frozen=True)
class Statistics:
    """Sums over images of features (D,) and of their outer products (D, D), in float64, and how many images."""

    total: Tensor
    outer: Tensor
    count: int


def statistics(pixels: Pixels, extractor: Extractor, device: torch.device, batch_size: int = 128) -> Statistics:
    """From the cache when these very images went through this very network before."""
    path = cache_root() / "statistics" / f"{extractor.name}-{_key(pixels, extractor)}.safetensors"
    with suppress(FileNotFoundError, SafetensorError):  # a damaged file is made anew
        return _load(path)
    log.info("measuring %s real pictures with %s, once", f"{len(pixels):,}", extractor.name)
    result = _measure(pixels, extractor, device, batch_size)
    with replacing(path) as partial:
        save_file({"total": result.total, "outer": result.outer, "count": torch.tensor(result.count)}, partial)
    return result


def _measure(pixels: Pixels, extractor: Extractor, device: torch.device, batch_size: int) -> Statistics:
    total, outer = torch.tensor(0.0), torch.tensor(0.0)
    for start in range(0, len(pixels), batch_size):
        batch = pixels.images(start, min(start + batch_size, len(pixels)))
        features = extractor(batch.to(device)).pooled.double().cpu()
        total, outer = total + features.sum(0), outer + features.T @ features
    return Statistics(total, outer, len(pixels))


def _key(pixels: Pixels, extractor: Extractor) -> str:
    text = "|".join([pixels.key, str(len(pixels)), extractor.digest, extractor.resize])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _load(path: Path) -> Statistics:
    stored = load_file(path)
    return Statistics(stored["total"], stored["outer"], int(stored["count"]))
