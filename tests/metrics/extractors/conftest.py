import pytest
import torch
from torch.nn.functional import interpolate

from atelier.metrics.extractors import base


@pytest.fixture
def pictures():
    """Makes uint8 pictures (count, 3, height, width) that are neither flat nor noise."""

    def make(count, height, width, seed=0):
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(count, 3, 6, 6, generator=generator) * 320 - 32
        fine = torch.randn(count, 3, height, width, generator=generator) * 10
        return (interpolate(coarse, (height, width), mode="bicubic") + fine).round().clamp(0, 255).byte()

    return make


@pytest.fixture
def small_batches(monkeypatch):
    """Forward passes of 2 images in place of 32, for networks that take their time."""
    monkeypatch.setattr(base, "BATCH", 2)


@pytest.fixture
def same_alone_and_among_others():
    """Asserts that an extractor gives each image the very same features however the images are batched."""

    def check(extractor, images):
        pooled, logits = extractor(images)
        for size in (1, 7, 32):
            some = images[: size + 1]  # a full batch and a begun one
            found, classes = zip(*[extractor(batch) for batch in some.split(size)], strict=True)
            assert torch.equal(torch.cat(found), pooled[: size + 1]), size
            if logits is not None:
                assert torch.equal(torch.cat(classes), logits[: size + 1]), size
        assert torch.equal(extractor(images.flip(0)).pooled.flip(0), pooled)

    return check
