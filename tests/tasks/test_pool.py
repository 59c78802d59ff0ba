import pytest
import torch

from atelier.tasks.pool import ImagePool


def numbered(first, count=1):
    return torch.arange(first, first + count).float()[:, None, None, None].expand(-1, 3, 2, 2)


def numbers(images):
    return images[:, 0, 0, 0].int().tolist()


def test_what_fills_the_pool_comes_back_and_is_kept():
    pool = ImagePool(4, image_size=2)
    assert numbers(pool(numbered(0, 3))) == [0, 1, 2]
    assert numbers(pool.images) == [0, 1, 2, 0]  # the last place is still empty
    assert pool.shown == 3


def test_a_full_pool_returns_half_old_ones_whose_places_are_taken():
    torch.manual_seed(0)
    size, shown = 20, 2000
    pool = ImagePool(size, image_size=2)
    pool(numbered(0, size))
    ages = []
    for number in range(size, shown):
        before = set(numbers(pool.images))
        (got,) = numbers(pool(numbered(number)))
        assert got == number or got in before
        assert (number in numbers(pool.images)) == (got != number)  # either it comes back or it is kept
        assert got not in numbers(pool.images)
        ages.append(number - got)
    swapped = [age for age in ages if age]
    assert len(swapped) / len(ages) == pytest.approx(0.5, abs=0.04)
    # one is exchanged with a chance of 1 / (2 * size) in each turn: it waits 2 * size turns in the mean
    assert sum(swapped) / len(swapped) == pytest.approx(2 * size, rel=0.15)


def test_a_batch_may_fill_the_pool_and_exchange_with_itself():
    """No image is lost or doubled: those that came back and those that are kept are those that were shown."""
    torch.manual_seed(0)
    pool = ImagePool(3, image_size=2)
    first, second = numbers(pool(numbered(1, 8))), numbers(pool(numbered(9, 8)))
    assert first[:3] == [1, 2, 3]
    assert pool.shown == 16
    kept = numbers(pool.images)
    assert sorted(first[3:] + second + kept) == [*range(1, 17)]
    assert first[3:] != [*range(4, 9)]


def test_images_come_without_a_graph_and_without_sharing_memory():
    pool, images = ImagePool(2, image_size=2), numbered(1, 2).clone().requires_grad_()
    got = pool(images)
    assert not got.requires_grad
    got.zero_()
    assert numbers(pool.images) == [1, 2]


def test_the_state_dict_goes_on_exactly():
    torch.manual_seed(1)
    first = ImagePool(3, image_size=2)
    first(numbered(0, 5))
    second = ImagePool(3, image_size=2)
    second.load_state_dict(first.state_dict())
    for number in range(5, 20):
        outcomes = []
        for pool in (first, second):
            torch.manual_seed(number)
            outcomes.append(numbers(pool(numbered(number))))
        assert outcomes[0] == outcomes[1]


def test_a_pool_of_none_gives_back_what_it_is_shown():
    assert numbers(ImagePool(0, image_size=2)(numbered(5, 3))) == [5, 6, 7]
    with pytest.raises(ValueError, match="size must be >= 0, got -1"):
        ImagePool(-1, image_size=2)
