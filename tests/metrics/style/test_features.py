import numpy as np
import pytest
import torch
from torch.testing import assert_close

from atelier.metrics.style.encoders import EmbeddedEncoder, Vgg19Encoder
from atelier.metrics.style.features import ContentDistance, StyleDistance, gram
from atelier.metrics.style.structure import Cfsd
from atelier.networks.embedded import WEIGHTS, WIDTHS, Embedded

CPU = torch.device("cpu")
GATYS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def loaded(measure):
    measure.load(CPU)
    return measure


def activations(images, names):
    with torch.no_grad():
        return Embedded.pretrained().taps(images / 127.5 - 1, names)


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """VGG-19's encoder, of random weights."""
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    torch.save({f"features.{name}": value for name, value in make_layers(cfgs["E"]).state_dict().items()}, path)
    return Vgg19Encoder(str(path))


def test_the_content_distance_is_the_mean_squared_difference_of_activations(pictures):
    content, stylised = pictures(3, 1), pictures(3, 2)
    measure = loaded(ContentDistance(EmbeddedEncoder()))
    measure.update(content, content, stylised)

    first, second = (activations(images, ["relu4_1"])["relu4_1"].numpy() for images in (content, stylised))
    expected = float(((first - second) ** 2).mean())

    assert_close(measure.compute(), {"embedded_content_distance": expected}, rtol=1e-5, atol=0)


def gatys(first, second):
    """Eq. 3-5 in loops over layers, with sums over places and equal weights."""
    total = 0.0
    for name in GATYS:
        features, wanted = (one[name].double().numpy().reshape(WIDTHS[name], -1) for one in (first, second))
        channels, places = features.shape
        squares = (features @ features.T - wanted @ wanted.T) ** 2
        total += squares.sum() / (4 * channels**2 * places**2) / len(GATYS)
    return total


def test_the_style_distance_is_that_of_gatys_et_al(pictures):
    style, stylised = pictures(3, 1), pictures(3, 2)
    measure = loaded(StyleDistance(EmbeddedEncoder()))
    measure.update(style, style, stylised)

    pairs = [
        (activations(one, GATYS), activations(other, GATYS))
        for one, other in zip(stylised.split(1), style.split(1), strict=True)
    ]
    expected = float(np.mean([gatys(*pair) for pair in pairs]))

    assert_close(measure.compute(), {"embedded_style_distance": expected}, rtol=1e-4, atol=0)


def test_a_style_has_no_places(pictures):
    """Moving every feature elsewhere changes no Gram matrix."""
    activation = torch.rand(2, 5, 6, 7, generator=torch.Generator().manual_seed(0))
    moved = activation.flatten(2)[..., torch.randperm(42)].view_as(activation)
    assert_close(gram(moved), gram(activation))
    assert_close(gram(activation.repeat(1, 1, 2, 3)), gram(activation))


@pytest.mark.parametrize("measure", [ContentDistance, StyleDistance, Cfsd])
def test_scores_by_vgg_19_bear_the_plain_names(vgg, pictures, measure):
    score = loaded(measure(vgg))
    score.update(pictures(1, 1), pictures(1, 2), pictures(1, 3))
    (name,) = score.compute()
    assert name in {"content_distance", "style_distance", "cfsd"}
    assert score.compute()[name] > 0
    assert score.protocol()["encoder"] == "vgg19"
    assert score.protocol()["weights_sha256"] == vgg.digest


def test_the_embedded_encoder_needs_no_file():
    encoder = EmbeddedEncoder()
    encoder.fetch()
    assert WEIGHTS.is_file()
    assert len(encoder.digest) == 64
