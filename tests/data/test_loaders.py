import pickle
from itertools import islice

import numpy as np
import pytest
import torch

from atelier.data.cache import cached
from atelier.data.loaders import TrainingLoader, ValidationLoader
from atelier.data.paintings import Paintings
from atelier.data.pixels import Pixels
from atelier.data.stream import Stream
from atelier.errors import RunError


@pytest.fixture(scope="module")
def cache():
    return cached(Paintings(30), 8)


@pytest.fixture
def pixels(cache):
    return Pixels(cache, np.arange(5, 30), cache.columns["style"].codes)


def batches(pixels, count, **options):
    loader = TrainingLoader(pixels, Stream(len(pixels), 4, seed=1), **options)
    return list(islice(loader, count))


def assert_equal(one, other):
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_a_batch(cache, pixels):
    flips = np.array([False, True, True])
    image, label = pixels.batch(np.array([0, 0, 24]), flips)
    first, last = (torch.from_numpy(cache.pixels[row].copy()).permute(2, 0, 1) for row in (5, 29))
    expected = torch.stack([first, first.flip(2), last.flip(2)]).float() / 127.5 - 1
    torch.testing.assert_close(image, expected)
    assert image.is_contiguous()
    assert label.tolist() == cache.columns["style"].codes[[5, 5, 29]].tolist()


def test_black_and_white_are_the_ends_of_the_range(cache, pixels):
    vars(pixels)["_pixels"] = np.array([0, 255], np.uint8).repeat(15).reshape(30, 1, 1, 1).repeat(3, 3)
    image = pixels.batch(np.array([0, 24]), np.zeros(2, bool)).image
    assert image.flatten().tolist() == [-1] * 3 + [1] * 3


def test_pictures_as_they_are(cache, pixels):
    torch.testing.assert_close(pixels.images(2, 4), torch.from_numpy(cache.pixels[7:9].copy()).permute(0, 3, 1, 2))
    assert [len(batch) for batch in pixels.batches(10)] == [10, 10, 5]
    assert torch.cat([*pixels.batches(10)]).equal(pixels.images(0, 100))


def test_the_key_names_the_pixels(cache, pixels):
    assert Pixels(cache, np.arange(5, 30)).key == pixels.key
    assert len({pixels.key, Pixels(cache, np.arange(4, 30)).key, Pixels(cache, np.arange(29, 4, -1)).key}) == 3
    assert Pixels(cached(Paintings(30), 16), np.arange(5, 30)).key != pixels.key


def test_going_on_is_starting_at_a_number(pixels):
    assert_equal(batches(pixels, 9, start=11), batches(pixels, 20)[11:])


def test_a_second_iteration_goes_on(pixels):
    loader = TrainingLoader(pixels, Stream(len(pixels), 4, seed=1))
    assert_equal([*islice(loader, 3), *islice(loader, 4)], batches(pixels, 7))
    assert loader.state_dict() == {"batches": 7}


def test_workers_change_nothing(pixels):
    assert_equal(batches(pixels, 15, num_workers=2), batches(pixels, 15))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_trainings_own_random_numbers_are_left_alone(pixels, num_workers):
    before = torch.get_rng_state()
    batches(pixels, 2, num_workers=num_workers)
    assert torch.get_rng_state().equal(before)


def test_another_process_opens_the_file_itself(pixels):
    message = pickle.dumps(pixels)
    assert len(message) < pixels.images(0, 25).nbytes
    copy = pickle.loads(message)
    assert copy.images(0, 25).equal(pixels.images(0, 25))
    assert copy.key == pixels.key


def test_without_labels(cache):
    assert batches(Pixels(cache, np.arange(30)), 1)[0].label is None


@pytest.mark.parametrize("world", [1, 2, 4, 30])
def test_validation_sees_each_picture_once(cache, pixels, world):
    loaders = [ValidationLoader(pixels, 4, rank, world) for rank in range(world)]
    seen = [image for loader in loaders for image in torch.cat([torch.empty(0, 3, 8, 8), *(b.image for b in loader)])]
    assert [len([*loader]) for loader in loaders] == [len(loader) for loader in loaders]
    assert len(seen) == 25
    wanted = pixels.images(0, 25).float() / 127.5 - 1
    torch.testing.assert_close(torch.stack(sorted(seen, key=key)), torch.stack(sorted(wanted, key=key)))


def key(image):
    return image.flatten().tolist()


class Away(Pixels):
    """Its store cannot be reached."""

    def batch(self, indices, flips):
        raise RunError("the store is away")


@pytest.mark.parametrize("num_workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_reason_comes_from_a_worker_as_it_was(cache, num_workers):
    with pytest.raises(RunError, match="^the store is away$"):
        batches(Away(cache, np.arange(5, 30)), 1, num_workers=num_workers)
