import pytest
import torch

from atelier.metrics.extractors.base import BATCH, Extractor, Features
from atelier.metrics.extractors.embedded import EmbeddedExtractor

CPU = torch.device("cpu")


class Watched(Extractor):
    """Its features are the mean colours; it remembers how it was run."""

    name, side, size, classes, digest = "watched", 8, 3, None, "0" * 64

    def __init__(self, kernel="tf1"):
        super().__init__(kernel)
        self.calls = []

    def fetch(self):
        pass

    def load(self, device):
        pass

    def extract(self, images):
        cudnn = torch.backends.cudnn
        precision = torch.get_float32_matmul_precision()
        self.calls.append((len(images), images.dtype, precision, cudnn.allow_tf32, cudnn.benchmark))
        return Features(images.mean((2, 3)), None)


@pytest.fixture(scope="module")
def embedded():
    extractor = EmbeddedExtractor()
    extractor.load(CPU)
    return extractor


def test_features_depend_on_no_other_image(embedded, pictures, same_alone_and_among_others):
    same_alone_and_among_others(embedded, pictures(100, 40, 56))


def test_images_of_different_sizes_are_taken_as_a_list(embedded, pictures):
    different = [pictures(1, *size, seed)[0] for seed, size in enumerate([(64, 64), (30, 90), (128, 65), (20, 20)])]
    pooled, logits = embedded(different)
    assert torch.equal(pooled, torch.cat([embedded(image[None]).pooled for image in different]))
    assert torch.equal(logits, torch.cat([embedded(image[None]).logits for image in different]))


def test_colours_that_lie_together_in_memory_give_the_same(embedded, pictures):
    images = pictures(5, 40, 56)
    assert torch.equal(embedded(images.to(memory_format=torch.channels_last)).pooled, embedded(images).pooled)


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1])
def test_every_pass_is_of_as_many_images(pictures, count):
    extractor = Watched()
    images = pictures(count, 8, 8)
    pooled, logits = extractor(images)
    assert {call[:2] for call in extractor.calls} == {(BATCH, torch.float32)}
    assert logits is None
    torch.testing.assert_close(pooled, images.float().mean((2, 3)))


def test_features_have_all_of_float32_whatever_the_training_has(embedded, pictures):
    images = pictures(4, 64, 64)
    expected = embedded(images)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            found, watched = embedded(images), Watched()
            watched(images)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert torch.equal(found.pooled, expected.pooled)
    assert torch.equal(found.logits, expected.logits)
    assert watched.calls[0][2:] == ("highest", False, False)
    assert torch.backends.cudnn.allow_tf32, "its own value again"


def test_features_carry_no_gradient(embedded, pictures):
    pooled, logits = embedded(pictures(2, 64, 64))
    assert not pooled.requires_grad
    assert not logits.requires_grad


def test_a_kernel_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"resize must be one of antialias, tf1, got 'bicubic'"):
        EmbeddedExtractor(kernel="bicubic")
