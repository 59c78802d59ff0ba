import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision.models import inception_v3

from atelier.errors import UserError
from atelier.metrics.choices import extractor as choose
from atelier.metrics.extractors.art_inception import ArtInceptionExtractor

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network():
    """Torchvision's layers with random weights, whose batch norms know the statistics of pictures, about."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = inception_v3(weights=None, init_weights=False)
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1  # the statistics are those of the pictures that follow
        with torch.no_grad():
            made(nn.functional.interpolate(torch.rand(4, 3, 6, 6), 299, mode="bicubic"))
    return made.eval()


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    """As the authors' network is: two of each classifier, numbered, of numbers of classes of their own."""
    heads = ("fc.", "AuxLogits.")
    state = {name: part for name, part in network.state_dict().items() if not name.startswith(heads)}
    for number, classes in ((1, 12), (2, 27)):
        state[f"fc{number}.weight"], state[f"fc{number}.bias"] = torch.zeros(classes, 2048), torch.zeros(classes)
        state[f"AuxLogits{number}.fc.weight"] = torch.zeros(classes, 768)
    path = tmp_path_factory.mktemp("weights") / "art_inception.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def extractor(file):
    made = ArtInceptionExtractor(str(file))
    made.fetch()
    made.load(CPU)
    return made


@torch.no_grad()
def by_torchvision(network, images):
    """What reaches the classifier of images at their own size, with colours in [0, 1]."""
    seen = []
    with network.fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        network(images / 255)
    return seen[0]


@pytest.mark.parametrize("size", [(75, 75), (128, 160), (299, 299)], ids=str)
def test_features_are_those_of_the_network_at_the_images_own_size(network, extractor, pictures, size):
    images = pictures(2, *size)
    found, expected = extractor(images), by_torchvision(network, images)
    assert found.pooled.shape == (2, extractor.size) == (2, 2048)
    assert found.logits is None
    assert expected.std(0).mean() > 0.05 * expected.std(), "the pictures would be all alike"
    assert_close(found.pooled, expected, rtol=0, atol=1e-4 * float(expected.abs().mean()))


def test_an_image_has_the_very_same_features_alone_and_among_images_of_other_sizes(extractor, pictures):
    different = [pictures(1, *size, seed)[0] for seed, size in enumerate([(80, 100), (120, 90), (80, 100)])]
    together = extractor(different).pooled
    assert torch.equal(together, torch.cat([extractor(image[None]).pooled for image in different]))
    assert torch.equal(extractor(torch.stack(different[::2])).pooled, together[::2])


def test_a_runs_precision_changes_nothing(extractor, pictures):
    images = pictures(1, 80, 80)
    with torch.autocast("cpu", torch.bfloat16):
        found = extractor(images).pooled
    assert torch.equal(found, extractor(images).pooled)
    assert not found.requires_grad


def test_all_layers_before_the_heads_must_be_in_the_file(file, tmp_path):
    state = torch.load(file, weights_only=True)
    torch.save({f"module.{name}": part for name, part in state.items()}, tmp_path / "wrapped.pth")
    with pytest.raises(UserError, match="holds no weights of art_inception: it lacks 'Conv2d_1a_3x3.conv.weight'"):
        ArtInceptionExtractor(str(tmp_path / "wrapped.pth")).fetch()


def test_loading_draws_no_random_numbers(file):
    before = torch.random.get_rng_state()
    made = ArtInceptionExtractor(str(file))
    made.fetch()
    made.load(CPU)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in made.network.parameters())


def test_nothing_is_resized_and_nothing_else_may_be_asked_for(file):
    assert ArtInceptionExtractor(str(file)).kernel == "none"
    with pytest.raises(TypeError):
        ArtInceptionExtractor(str(file), "tf1")
    with pytest.raises(ValueError, match=r"resize must be one of antialias, tf1, got 'none'"):
        choose("embedded", resize="none")


def test_published_weights_are_fetched_from_where_weights_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    (tmp_path / "art_inception.pth").write_bytes(b"not it")
    with pytest.raises(UserError, match="art_inception: .* is not the published file"):
        ArtInceptionExtractor().fetch()
