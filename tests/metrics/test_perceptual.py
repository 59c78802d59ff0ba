import re
import warnings
from itertools import combinations

import lpips
import pytest
import torch
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.metrics.perceptual import BACKBONES, Lpips, mean_pairwise_distance

CPU = torch.device("cpu")
SMALLEST = {"alex": 31, "vgg": 16, "squeeze": 17}


def random_package(architecture):
    """The package's own distance: its linear heads upon a backbone of random weights."""
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls torchvision in the old way
        return lpips.LPIPS(net=architecture, pnet_rand=True, verbose=False)


@pytest.fixture(scope="module", params=sorted(BACKBONES))
def pair(request, tmp_path_factory):
    """Ours and the package's, with one backbone."""
    package = random_package(request.param)
    state = {
        re.sub(r"slice\d\.", "features.", name): value.clone()
        for name, value in package.net.state_dict().items()
        if name.startswith("slice")
    }
    path = tmp_path_factory.mktemp("lpips") / f"{request.param}.pth"
    torch.save(state, path)
    distance = Lpips(request.param, str(path))
    distance.fetch()
    distance.load(CPU)
    return distance, package


def pictures(count, size=(64, 64), seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 8, 8, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 255).byte()


@pytest.mark.parametrize("size", [(64, 64), (96, 50)], ids=str)
def test_it_is_the_packages_distance(pair, size):
    distance, package = pair
    first, second = pictures(4, size, 0), pictures(4, size, 1)
    expected = package(first / 127.5 - 1, second / 127.5 - 1).flatten()
    assert expected.min() > 0
    assert_close(distance(first, second), expected, rtol=1e-5, atol=1e-9)


def test_flat_pictures_have_the_packages_distance_too(pair):
    """Where no channel answers there is no direction to compare."""
    distance, package = pair
    flat = torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 64, 64)
    first, second = flat, flat.roll(1, 0)
    assert_close(
        distance(first, second), package(first / 127.5 - 1, second / 127.5 - 1).flatten(), rtol=1e-5, atol=1e-9
    )


def test_a_picture_is_at_no_distance_from_itself(pair):
    images = pictures(2)
    assert_close(pair[0](images, images), torch.zeros(2), rtol=0, atol=0)


def test_it_is_symmetric(pair):
    first, second = pictures(2, seed=0), pictures(2, seed=1)
    assert_close(pair[0](first, second), pair[0](second, first), rtol=1e-6, atol=0)


def test_the_distance_does_not_depend_on_the_batch(pair):
    """Sums in another order: 1e-5 is some ten times the rounding error seen."""
    first, second = pictures(5, seed=0), pictures(5, seed=1)
    apart = torch.cat([pair[0](*some) for some in zip(first.split([1, 3, 1]), second.split([1, 3, 1]), strict=True)])
    assert_close(pair[0](first, second), apart, rtol=1e-5, atol=0)


def test_the_squared_distance_of_embeddings_is_the_distance(pair):
    first, second = pictures(3, seed=0), pictures(3, seed=1)
    embedded = pair[0].embed(first), pair[0].embed(second)
    assert_close((embedded[0] - embedded[1]).square().sum(1), pair[0](first, second), rtol=1e-4, atol=0)


def test_the_mean_over_all_pairs_takes_one_pass(pair):
    images = pictures(6)
    expected = torch.stack([pair[0](*images[[i, j]].split(1)) for i, j in combinations(range(6), 2)]).mean()

    total, squares = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for some in images.split(4):
        embedded = pair[0].embed(some).double()
        total, squares = total + embedded.sum(0), squares + embedded.square().sum()

    assert_close(mean_pairwise_distance(total, squares, 6), float(expected), rtol=1e-4, atol=0)


def test_the_mean_over_all_pairs_of_any_vectors_is_that_of_brute_force():
    vectors = torch.randn(20, 7, generator=torch.Generator().manual_seed(0)).double() + 5
    expected = torch.pdist(vectors).square().mean()
    assert_close(
        mean_pairwise_distance(vectors.sum(0), vectors.square().sum(), 20), float(expected), rtol=1e-10, atol=0
    )


def test_equal_vectors_have_no_distance():
    vectors = torch.full((3, 5), 0.1, dtype=torch.float64)
    assert mean_pairwise_distance(vectors.sum(0), vectors.square().sum(), 3) == pytest.approx(0, abs=1e-15)


def test_one_vector_has_no_pairs():
    with pytest.raises(ValueError, match="count must be at least 2, got 1"):
        mean_pairwise_distance(torch.zeros(3), torch.zeros(()), 1)


def test_the_smallest_pictures_have_a_distance_and_smaller_ones_none(pair):
    distance, size = pair[0], SMALLEST[pair[0].architecture]
    assert distance(pictures(1, (size, size), 0), pictures(1, (size, size), 1)).isfinite().all()
    with pytest.raises(RuntimeError):
        distance(pictures(1, (size - 1, size - 1), 0), pictures(1, (size - 1, size - 1), 1))


def test_the_digest_tells_files_apart(pair, tmp_path):
    other = tmp_path / "other.pth"
    other.write_bytes(b"other")
    assert len(pair[0].digest) == 64
    assert Lpips("alex", str(other)).digest != pair[0].digest


def test_unknown_architectures_are_refused():
    with pytest.raises(ValueError, match=r"architecture must be one of alex, squeeze, vgg, got 'resnet'"):
        Lpips("resnet")


def test_a_missing_file_is_refused():
    with pytest.raises(ValueError, match=r"weights: no such file: 'none\.pth'"):
        Lpips("alex", "none.pth")


def test_weights_of_another_network_are_refused_in_one_line(pair):
    others = Lpips("squeeze" if pair[0].architecture == "alex" else "alex", str(pair[0].file.path))
    with pytest.raises(UserError, match=r"\.pth holds the weights of another network: features\.\* do not fit$"):
        others.load(CPU)


def test_published_weights_are_fetched_from_where_weights_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    (tmp_path / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"not it")
    with pytest.raises(UserError, match="is not the published file"):
        Lpips("squeeze").fetch()
