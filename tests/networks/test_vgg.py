import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close
from torchvision.models.vgg import cfgs, make_layers

from atelier.networks.vgg import WIDTHS, Vgg16, Vgg19, load_features

REFERENCES = {Vgg16: "D", Vgg19: "E"}
"""The letters of Simonyan & Zisserman's table 1, by which torchvision knows them."""


def reference(letter):
    torch.manual_seed(0)
    return make_layers(cfgs[letter]).eval()


def saved(features, path):
    state = {f"features.{name}": value for name, value in features.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(2, 2)
    torch.save(state, path)
    return path


@pytest.fixture(scope="module", params=[Vgg16, Vgg19])
def pair(request, tmp_path_factory):
    """Ours and torchvision's, with one set of random weights."""
    features = reference(REFERENCES[request.param])
    path = saved(features, tmp_path_factory.mktemp("vgg") / "vgg.pth")
    return request.param.pretrained(path), features


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def activations(features, images):
    """By torchvision's layers, on images brought to ImageNet's mean and deviation in the way of its transforms."""
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    activation, found = ((images + 1) / 2 - mean) / deviation, []
    for layer in features:
        activation = layer(activation)
        if isinstance(layer, torch.nn.ReLU):
            found.append(activation.clone())
    return found


def test_every_tap_is_torchvisions_activation(pair):
    network, features = pair
    names = [name for name in network.widths if name.startswith("relu")]
    images = noise(2, 3, 48, 32)

    taps = network.taps(images, names)

    assert list(taps) == names
    for (name, activation), expected in zip(taps.items(), activations(features, images), strict=True):
        halvings = 2 ** (int(name[4]) - 1)
        assert activation.shape == (2, network.widths[name], 48 // halvings, 32 // halvings)
        assert_close(activation, expected, rtol=1e-4, atol=1e-6)


def test_taps_before_and_after_a_rectifier_differ_by_it(pair):
    taps = pair[0].taps(noise(1, 3, 32, 32), ["conv3_1", "relu3_1"])
    assert taps["conv3_1"].min() < 0
    assert_close(taps["conv3_1"].relu(), taps["relu3_1"], rtol=0, atol=0)


def test_taps_beyond_the_deepest_are_not_computed(pair):
    def refuse(*_):
        pytest.fail("computed for nothing")

    network = pair[0]
    with network.features[network.names.index("conv3_1")].register_forward_hook(refuse):
        assert list(network.taps(noise(1, 3, 16, 16), ["relu2_2", "relu1_1"])) == ["relu1_1", "relu2_2"]


def test_the_smallest_picture_has_every_tap(pair):
    network = pair[0]
    assert network.taps(noise(1, 3, 16, 16), ["relu5_3"])["relu5_3"].shape == (1, 512, 1, 1)


def test_gradients_reach_the_image_and_not_the_weights(pair):
    image = noise(1, 3, 32, 32).requires_grad_()
    pair[0].taps(image, ["relu2_1"])["relu2_1"].sum().backward()
    assert (image.grad != 0).float().mean() > 0.9
    assert not any(weight.requires_grad for weight in pair[0].parameters())


def test_vgg_19_has_the_published_layers():
    assert len(WIDTHS) == 2 * 16
    assert list(WIDTHS)[-1] == "relu5_4"
    assert WIDTHS["relu4_1"] == 512


def test_unknown_taps_are_refused(pair):
    with pytest.raises(ValueError, match=r"taps must be among \['conv1_1', .*\], got \['pool1'\]"):
        pair[0].taps(noise(1, 3, 16, 16), ["relu1_1", "pool1"])


def test_loading_draws_no_random_numbers(tmp_path):
    path = saved(reference("D"), tmp_path / "vgg16.pth")
    before = torch.random.get_rng_state()
    Vgg16.pretrained(path)
    assert_close(torch.random.get_rng_state(), before)


def test_a_safetensors_file_of_half_precision_loads_in_single_precision(tmp_path):
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    path = tmp_path / "weights.safetensors"
    save_file({f"features.{name}": value.half() for name, value in layer.state_dict().items()}, path)
    loaded = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))

    load_features(loaded, path)

    assert loaded[0].weight.dtype == torch.float32
    assert_close(loaded[0].weight, layer[0].weight, rtol=1e-3, atol=1e-4)


def test_weights_of_another_network_are_refused(tmp_path):
    path = saved(torch.nn.Sequential(torch.nn.Conv2d(3, 64, 11)), tmp_path / "alexnet.pth")
    with pytest.raises(ValueError, match=r"alexnet\.pth holds the weights of another network"):
        Vgg19.pretrained(path)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_file_of_something_else_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_text("no weights")
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
        Vgg19.pretrained(path)


def test_a_file_of_no_state_dict_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save([torch.zeros(1)], path)
    with pytest.raises(ValueError, match=r"weights.pth cannot be read as weights \(it holds a list\)$"):
        Vgg19.pretrained(path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"features.0.weight": print}, path)
    with pytest.raises(ValueError, match=r"cannot be read as weights \([^\n]+\)$"):
        Vgg19.pretrained(path)
