import pytest
import torch

from atelier.augment.diffaugment import OPERATIONS, DiffAugment


def many(image, name, count=400):
    """One image (C, H, W), changed in `count` ways."""
    torch.manual_seed(0)
    return DiffAugment([name])(image.expand(count, -1, -1, -1))


def fitted(changed, *parts):
    """The factors of `parts` that sum to each changed image, and what they leave over."""
    basis = torch.stack([part.flatten() for part in parts], 1).double()
    target = changed.flatten(1).T.double()
    factors = torch.linalg.lstsq(basis, target).solution
    return factors, (basis @ factors - target).abs().max()


def test_colour_has_the_papers_ranges():
    """A changed image is a sum of its colours, its greys around their mean, its mean, and brightness."""
    image = torch.rand(3, 8, 8)
    grey, mean = image.mean(0).expand(3, -1, -1), image.mean().expand(3, 8, 8)
    (chroma, contrast, constant), rest = fitted(many(image, "colour"), image - grey, grey - mean, torch.ones(3, 8, 8))
    assert rest < 1e-5
    saturation, brightness = chroma / contrast, constant - image.mean()
    for values, low, high in [(saturation, 0, 2), (contrast, 0.5, 1.5), (brightness, -0.5, 0.5)]:
        assert values.min().item() == pytest.approx(low, abs=0.02 * (high - low))
        assert values.max().item() == pytest.approx(high, abs=0.02 * (high - low))
        assert values.min() >= low - 1e-4
        assert values.max() <= high + 1e-4
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))


def test_translation_shifts_up_to_an_eighth_and_fills_with_zeros():
    image = torch.rand(3, 16, 24) + 1
    padded = torch.nn.functional.pad(image, (3, 3, 2, 2))
    windows = {
        (y, x): padded[:, y : y + 16, x : x + 24] for y in range(5) for x in range(7)
    }  # 2 of 16 rows, 3 of 24 columns
    found = [
        next(at for at, window in windows.items() if torch.equal(window, each)) for each in many(image, "translation")
    ]
    assert set(found) == set(windows)


def test_cutout_hides_a_square_of_half_the_size_that_may_lie_partly_outside():
    hidden = many(torch.ones(3, 8, 8), "cutout") == 0
    torch.testing.assert_close(hidden[:, :1].expand_as(hidden), hidden, rtol=0, atol=0)
    rows, columns = hidden[:, 0].any(2), hidden[:, 0].any(1)
    torch.testing.assert_close(rows[:, :, None] & columns[:, None], hidden[:, 0], rtol=0, atol=0)
    # The centre is anywhere, and so at least a half of each side is seen.
    expected = {tuple(start <= pixel < start + 4 for pixel in range(8)) for start in range(-2, 7)}
    assert {tuple(row) for row in rows.tolist()} == expected
    assert {tuple(column) for column in columns.tolist()} == expected


def test_flip_turns_half_of_the_images():
    image = torch.rand(3, 4, 6)
    flipped = many(image, "flip")
    turned = torch.tensor([torch.equal(each, image.flip(2)) for each in flipped])
    kept = torch.tensor([torch.equal(each, image) for each in flipped])
    assert (turned ^ kept).all()
    assert turned.float().mean().item() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_differentiated_twice(name):
    images = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)

    def changed(images):
        torch.manual_seed(1)
        return DiffAugment([name])(images).square()

    assert torch.autograd.gradgradcheck(changed, images)


@pytest.mark.parametrize("name", OPERATIONS)
def test_shape_is_kept_and_half_precision_raised(name):
    images = torch.rand(2, 3, 16, 16, dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        changed = DiffAugment([name])(images)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)


def test_the_policy_is_what_happens():
    images = torch.rand(4, 3, 16, 16)
    torch.testing.assert_close(DiffAugment([])(images), images, rtol=0, atol=0)
    torch.manual_seed(0)
    expected = OPERATIONS["cutout"](OPERATIONS["translation"](images))
    torch.manual_seed(0)
    torch.testing.assert_close(DiffAugment(["translation", "cutout"])(images), expected, rtol=0, atol=0)


@pytest.mark.parametrize("policy", [["color"], "colour"])
def test_unknown_operations_are_refused(policy):
    with pytest.raises(
        ValueError, match="policy must be a list of names from .'colour', 'cutout', 'flip', 'translation'"
    ):
        DiffAugment(policy)
