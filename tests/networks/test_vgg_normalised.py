import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from atelier.networks.vgg_normalised import LAYERS, WIDTHS, VggNormalised

COUNTS = (2, 2, 4, 4, 4)
STAGE_WIDTHS = (64, 128, 256, 512, 512)


def reference():
    """The public file's layers, with weights that keep activations at their scale."""
    torch.manual_seed(0)
    layers, given = [nn.Conv2d(3, 3, 1)], 3
    for number, (count, wanted) in enumerate(zip(COUNTS, STAGE_WIDTHS, strict=True)):
        layers += [nn.MaxPool2d(2, ceil_mode=True)] if number else []
        for _ in range(count):
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(given, wanted, 3), nn.ReLU()]
            nn.init.kaiming_normal_(layers[-2].weight)
            given = wanted
    return nn.Sequential(*layers).requires_grad_(False)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Ours and the reference, with one set of random weights."""
    layers, path = reference(), tmp_path_factory.mktemp("vgg") / "vgg_normalised.pth"
    torch.save(layers.state_dict(), path)
    return VggNormalised.pretrained(path), layers


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def activations(layers, images):
    activation, found = (images + 1) / 2, []
    for layer in layers:
        activation = layer(activation)
        if isinstance(layer, nn.ReLU):
            found.append(activation)
    return found


def test_the_layers_are_the_public_files():
    assert [number for number, layer in enumerate(reference()) if isinstance(layer, nn.Conv2d)] == [0, *LAYERS]
    assert len(WIDTHS) == len(LAYERS) == 16


@pytest.mark.parametrize("graph", [False, True], ids=["frozen", "differentiated"])
@pytest.mark.parametrize("size", [(48, 32), (37, 50)], ids=str)
def test_every_tap_is_the_references_activation(pair, size, graph):
    """The odd size tells poolings that round up; that all are asked for at once, that none is overwritten."""
    network, layers = pair
    images = noise(2, 3, *size).requires_grad_(graph)

    taps = network.taps(images, list(WIDTHS))

    assert list(taps) == list(WIDTHS)
    for (name, activation), expected in zip(taps.items(), activations(layers, images), strict=True):
        assert activation.shape[1] == network.widths[name]
        assert_close(activation, expected, rtol=1e-3, atol=1e-4)


def test_gradients_reach_the_image_as_the_references_do_and_not_the_weights(pair):
    network, layers = pair
    images = noise(1, 3, 32, 32).requires_grad_()
    ours, plain = network.taps(images, ["relu3_1"])["relu3_1"], activations(layers, images)[4]
    gradients = [torch.autograd.grad(taps.square().mean(), images)[0] for taps in (ours, plain)]
    assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-4 * gradients[1].abs().max().item())
    assert not any(weight.requires_grad for weight in network.parameters())


def test_taps_do_not_depend_on_the_batch(pair):
    images = noise(3, 3, 32, 32)
    together = pair[0].taps(images, ["relu4_1"])["relu4_1"]
    apart = torch.cat([pair[0].taps(some, ["relu4_1"])["relu4_1"] for some in images.split([1, 2])])
    assert_close(apart, together, rtol=1e-4, atol=1e-4)


def test_taps_beyond_the_deepest_are_not_computed(pair):
    def refuse(*_):
        pytest.fail("computed for nothing")

    with pair[0].convolutions["relu3_1"].register_forward_hook(refuse):
        assert list(pair[0].taps(noise(1, 3, 16, 16), ["relu2_2", "relu1_1"])) == ["relu1_1", "relu2_2"]


def test_unknown_taps_are_refused(pair):
    with pytest.raises(ValueError, match=r"taps must be among \['relu1_1', .*\], got \['conv1_1'\]"):
        pair[0].taps(noise(1, 3, 16, 16), ["relu1_1", "conv1_1"])


def test_of_the_smallest_pictures_one_place_is_left(pair):
    assert pair[0].taps(noise(1, 3, 16, 16), ["relu5_1"])["relu5_1"].shape[2:] == (1, 1)


def test_loading_draws_no_random_numbers_and_reads_half_precision(tmp_path, pair):
    path = tmp_path / "weights.safetensors"
    save_file({name: part.half() for name, part in pair[1].state_dict().items()}, path)
    before = torch.random.get_rng_state()
    network = VggNormalised.pretrained(path)
    assert_close(torch.random.get_rng_state(), before)
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    weights = [one.convolutions["relu2_2"].weight for one in (network, pair[0])]
    assert_close(*weights, rtol=1e-3, atol=1e-5)


FOREIGN = {
    "vgg19": lambda: {"features.0.weight": torch.zeros(64, 3, 3, 3)},
    "no colours": lambda: {name: part for name, part in reference().state_dict().items() if name != "0.bias"},
    "a layer less": lambda: {name: part for name, part in reference().state_dict().items() if name != "51.bias"},
    "other sizes": lambda: reference().state_dict() | {"19.weight": torch.zeros(7, 256, 3, 3)},
    "other colours": lambda: reference().state_dict() | {"0.weight": torch.zeros(4, 4, 1, 1)},
    "a number": lambda: {"0.weight": 1},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_weights_of_another_network_are_refused(tmp_path, name):
    path = tmp_path / "other.pth"
    torch.save(FOREIGN[name](), path)
    with pytest.raises(ValueError, match=r"other\.pth holds the weights of another network: .* do not fit"):
        VggNormalised.pretrained(path)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_file_of_something_else_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_text("no weights")
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
        VggNormalised.pretrained(path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"0.weight": print}, path)
    with pytest.raises(ValueError, match=r"cannot be read as weights \([^\n]+\)$"):
        VggNormalised.pretrained(path)
