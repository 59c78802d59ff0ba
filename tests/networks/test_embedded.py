import hashlib

import pytest
import torch
from torch.testing import assert_close

from atelier.data.painting import STYLES, paint
from atelier.networks.embedded import CLASSES, SIZE, WEIGHTS, WIDTHS, Embedded

# Changed on purpose only: scores made with other weights do not compare.
DIGEST = "c1a04bba2e3f36699f77c8d4e6deb10a316cd4110feed712c6fd12392baf0ee1"


@pytest.fixture(scope="module")
def network():
    return Embedded.pretrained()


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def paintings(count, size, seed=11):
    painted = [paint(index, size, seed) for index in range(count)]
    pixels = torch.stack([torch.from_numpy(one.pixels.copy()) for one in painted]).permute(0, 3, 1, 2)
    return pixels / 127.5 - 1, torch.tensor([one.style for one in painted])


def test_the_packaged_weights_are_the_documented_ones():
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == DIGEST
    assert WEIGHTS.stat().st_size <= 4_000_000


@pytest.mark.parametrize("size", [(64, 64), (32, 32), (8, 8), (100, 37), (200, 300)], ids=str)
def test_features_of_images_of_any_size(network, size):
    features = network(noise(2, 3, *size))
    assert features.pooled.shape == (2, WIDTHS["relu5_2"])
    assert features.logits.shape == (2, len(CLASSES))
    assert features.pooled.min() >= 0
    assert features.logits.isfinite().all()


def test_grey_images_have_features_too(network):
    grey = noise(2, 1, 40, 40).expand(-1, 3, -1, -1)
    assert network(grey).logits.isfinite().all()


def test_features_do_not_depend_on_the_batch(network):
    """Sums in another order: 1e-5 is some fifty times the rounding error seen."""
    images = noise(7, 3, 64, 64)
    together = network(images).pooled
    apart = torch.cat([network(some).pooled for some in images.split([1, 4, 2])])
    assert_close(apart, together, rtol=1e-5, atol=1e-5)


def test_large_images_are_smoothed_before_they_are_shrunk(network):
    """A fine checkerboard is grey from afar; without smoothing it would alias to black, white or stripes."""
    fine = (torch.arange(256)[:, None] + torch.arange(256)) % 2 * 2.0 - 1
    checkered = fine.expand(1, 3, -1, -1)
    assert_close(network(checkered).pooled, network(torch.zeros(1, 3, SIZE, SIZE)).pooled, rtol=0, atol=0.05)


def test_gradients_reach_the_image_and_not_the_weights(network):
    image = noise(1, 3, 48, 48).requires_grad_()
    network(image).pooled.sum().backward()
    assert image.grad is not None
    assert (image.grad.abs().amax((0, 1)) > 0).float().mean() > 0.9
    assert not any(weight.requires_grad for weight in network.parameters())


def test_taps_have_the_names_and_shapes_they_promise(network):
    taps = network.taps(noise(2, 3, 64, 32), list(WIDTHS))
    for name, activation in taps.items():
        halvings = 2 ** (int(name[4]) - 1)
        assert activation.shape == (2, WIDTHS[name], 64 // halvings, 32 // halvings)
        assert activation.min() >= 0


def test_taps_are_those_that_features_are_made_of(network):
    images = noise(2, 3, SIZE, SIZE)
    assert_close(network.taps(images, ["relu5_2"])["relu5_2"].mean((2, 3)), network(images).pooled)


def test_taps_beyond_the_deepest_are_not_computed(network):
    def refuse(*_):
        pytest.fail("computed for nothing")

    with network.convolutions["relu3_1"].register_forward_hook(refuse):
        assert list(network.taps(noise(1, 3, 32, 32), ["relu2_2", "relu1_1"])) == ["relu1_1", "relu2_2"]


def test_unknown_taps_are_refused(network):
    with pytest.raises(ValueError, match=r"taps must be among \['relu1_1', .*\], got \['relu9_9'\]"):
        network.taps(noise(1, 3, 32, 32), ["relu1_1", "relu9_9"])


@pytest.mark.parametrize("size", [32, 64, 128])
def test_new_paintings_are_told_apart(network, size):
    images, styles = paintings(64, size)
    told = network(images).logits.argmax(1) - (len(CLASSES) - len(STYLES))
    assert (told == styles).float().mean() > 0.95


def test_the_classes_end_with_the_styles():
    assert CLASSES[-len(STYLES) :] == STYLES
