"""Pictures through levels: in tiles as in one piece, with the statistics they are to have, and as they were without."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.moments import diagonal, full
from atelier.networks.decoder import Decoder
from atelier.networks.slim import SlimDecoder, SlimEncoder
from atelier.networks.transforms.adain import AdaIN
from atelier.networks.transforms.sanet import SANet
from atelier.networks.transforms.wct import WCT
from atelier.networks.vgg_normalised import ReflectedEncoder
from atelier.stylize import artwork
from atelier.stylize.levels import WHOLE, Levels
from atelier.stylize.method import Mixture
from atelier.tasks.level import Level
from atelier.tiling import tiles

WIDTHS = {"relu1_1": 6, "relu2_1": 8, "relu3_1": 10}
DEEP = {"relu1_1": 4, "relu2_1": 4, "relu3_1": 6, "relu4_1": 6, "relu5_1": 8}
AMPLE = 1 << 40


class Encoder(ReflectedEncoder):
    ceil_mode = False


class Pixels(nn.Module):
    """An encoder and a decoder whose features are the pixels themselves."""

    def __init__(self):
        super().__init__()
        self.widths, self.reach = {"relu1_1": 3}, 0

    def taps(self, images, names):
        return dict.fromkeys(names, images)

    def forward(self, features):
        return features


class Watched(Level):
    """Remembers the features that it drew."""

    def draw(self, features):
        self.drew = features
        return super().draw(features)


def level(transform, widths=WIDTHS, upsampling="nearest"):
    """Random weights that keep about the variance from layer to layer, so that what is gathered matters."""
    encoder, decoder = Encoder(widths), Decoder(widths, transform.taps[0], upsampling)
    torch.manual_seed(0)
    for network in (encoder, decoder, transform):
        for parameter in network.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
            else:
                nn.init.normal_(parameter, std=0.1)
    return Watched(encoder, transform, decoder).requires_grad_(False).eval()


def made(name, memory=AMPLE):
    chosen = {
        "adain": lambda: [level(AdaIN("relu3_1"))],
        "smooth": lambda: [level(AdaIN("relu3_1"), upsampling="bilinear")],
        "wct": lambda: [level(WCT(f"relu{stage}_1")) for stage in (3, 2, 1)],
        "sanet": lambda: [level(SANet(DEEP), DEEP)],
    }
    return Levels(name, chosen[name](), memory)


def picture(seed, height, width):
    """Smooth colours and noise on them, brighter to the right: no two tiles are alike."""
    generator = torch.Generator().manual_seed(seed)
    coarse = interpolate(torch.rand(1, 3, 5, 6, generator=generator), (height, width), mode="bicubic")
    noise = torch.rand(1, 3, height, width, generator=generator)
    slope = torch.linspace(-0.3, 0.3, width)
    return (coarse + 0.5 * noise + slope - 0.7).clamp(-1, 1)


def halves(height, width, at=0.5):
    left = torch.zeros(1, 1, height, width)
    left[..., : int(width * at)] = 1
    return torch.cat([left, 1 - left])


class Tiled(Levels):
    """In tiles of 32 pixels, whatever the memory."""

    def _tiles(self, level, height, width):
        return tiles(height, width, 32, level.reach, level.stride)


SIZES = {"adain": (75, 101), "smooth": (75, 101), "wct": (75, 101), "sanet": (69, 173)}
"""Odd, and larger than what a tile sees."""

each_method = pytest.mark.parametrize("name", ["adain", "wct", "sanet"])


def tiled(method):
    return Tiled(method.name, method.levels, AMPLE)


@pytest.mark.parametrize("name", [*SIZES])
@pytest.mark.parametrize(("strength", "divided"), [(1.0, False), (0.4, False), (0.4, True)])
def test_a_picture_in_tiles_is_the_picture_in_one_piece(name, strength, divided):
    """Up to the rounding of sums that are gathered in another order."""
    method, size = made(name), SIZES[name]
    studied = [method.study(picture(1, 64, 80)), method.study(picture(2, 48, 48))]
    mixture = Mixture(studied, [1.0, 3.0], strength, halves(*size) if divided else None)
    content = picture(0, *size)
    whole = method.stylize(content, mixture)
    assert whole.shape == content.shape
    assert_close(tiled(method).stylize(content, mixture), whole, rtol=0, atol=1e-3)


def test_little_memory_makes_tiles_that_are_not_seen():
    """Neighbours differ as much across the tiles' borders as elsewhere, and as they do in one piece."""
    method, content = made("adain"), picture(0, 300, 420)
    mixture = Mixture([method.study(picture(1, 64, 80))], [1.0])
    whole = method.stylize(content, mixture)
    (one,) = method.levels
    method.memory = WHOLE * 300 * 420 + int(one.bytes_per_pixel) * 130**2
    pieces = method._tiles(one, 300, 420)
    assert len(pieces) > 9
    made_in_tiles = method.stylize(content, mixture)
    assert_close(made_in_tiles, whole, rtol=0, atol=1e-3)
    steps = made_in_tiles.diff(dim=3).abs().mean((0, 1, 2))
    borders = [tile.columns.start - 1 for tile in pieces if tile.columns.start]
    assert_close(steps[borders].mean(), steps.mean(), rtol=0.25, atol=0)


@pytest.mark.parametrize("tap", ["relu1_1", "relu3_1"])
def test_features_have_the_styles_moments(tap):
    content, style = picture(0, 64, 96), picture(1, 80, 64)
    for transform, moments in ((AdaIN(tap), diagonal), (WCT(tap), full)):
        one = level(transform)
        method = Levels("one", [one], AMPLE)
        method.stylize(content, Mixture([method.study(style)], [1.0]))
        got, wanted = moments(one.drew), moments(one.encode(style)[tap])
        assert_close(got.mean, wanted.mean, rtol=1e-3, atol=1e-3)
        assert_close(got.covariance, wanted.covariance, rtol=0.01, atol=1e-3)


@each_method
def test_a_style_mixed_with_itself_is_that_style(name):
    method, content = made(name), picture(0, 48, 64)
    studied = method.study(picture(1, 64, 64))
    alone = method.stylize(content, Mixture([studied], [1.0]))
    assert_close(method.stylize(content, Mixture([studied] * 2, [1.0, 2.0])), alone, rtol=0, atol=1e-4)


@each_method
def test_only_the_shares_of_weights_count(name):
    method, content = made(name), picture(0, 48, 64)
    studied = [method.study(picture(seed, 64, 64)) for seed in (1, 2)]
    one, other = (method.stylize(content, Mixture(studied, weights)) for weights in ([1.0, 3.0], [5.0, 15.0]))
    assert_close(one, other, rtol=0, atol=1e-4)
    assert (one - method.stylize(content, Mixture(studied, [3.0, 1.0]))).abs().mean() > 1e-3


@pytest.mark.parametrize("transform", [AdaIN, WCT])
@pytest.mark.parametrize("in_tiles", [False, True])
def test_each_region_gets_the_statistics_of_its_own_style(transform, in_tiles):
    """Gathered of the region alone, too: each half matches its style as a picture of its own would."""
    one = Level(Pixels(), transform("relu1_1"), Pixels())
    method = Levels("one", [one], AMPLE)
    size, styles = (64, 96), [0.3 * picture(1, 64, 64) - 0.2, 0.3 * picture(2, 64, 64) + 0.2]
    mixture = Mixture([method.study(style) for style in styles], [1.0, 1.0], regions=halves(*size, at=0.25))
    stylised = (tiled(method) if in_tiles else method).stylize(0.5 * picture(0, *size), mixture)
    for part, style in zip((stylised[..., :24], stylised[..., 24:]), styles, strict=True):
        got, wanted = diagonal(part), diagonal(style)
        assert_close(got.mean, wanted.mean, rtol=0, atol=0.01)  # a few pixels are beyond [-1, 1], and clamped
        assert_close(got.variance(), wanted.variance(), rtol=0.05, atol=0)


def test_a_region_that_is_empty_changes_nothing():
    method, content = made("wct"), picture(0, 48, 64)
    studied = [method.study(picture(seed, 64, 64)) for seed in (1, 2)]
    nowhere = torch.cat([torch.ones(1, 1, 48, 64), torch.zeros(1, 1, 48, 64)])
    alone = method.stylize(content, Mixture(studied[:1], [1.0]))
    assert_close(method.stylize(content, Mixture(studied, [1.0, 1.0], regions=nowhere)), alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["adain", "wct"])
def test_with_hardly_any_strength_the_content_is_only_drawn_again(name):
    method, content = made(name), picture(0, 48, 64)
    drawn = content
    for one in method.levels:
        drawn = one.draw(one.encode(drawn)[one.transform.taps[0]])
    got = method.stylize(content, Mixture([method.study(picture(1, 64, 64))], [1.0], strength=1e-6))
    assert_close(got, drawn.clamp(-1, 1), rtol=0, atol=1e-4)


@each_method
def test_without_strength_the_content_is_as_it_was(name):
    method, content = made(name), picture(0, 37, 50)
    got = method.stylize(content, Mixture([method.study(picture(1, 64, 64))], [1.0], strength=0.0))
    assert_close(got, content, rtol=0, atol=0)


@pytest.mark.parametrize("transform", [AdaIN, WCT])
def test_with_hardly_any_strength_and_no_loss_the_content_comes_back(transform):
    method = Levels("one", [Level(Pixels(), transform("relu1_1"), Pixels())], AMPLE)
    content = picture(0, 37, 50)
    got = method.stylize(content, Mixture([method.study(picture(1, 64, 64))], [1.0], strength=1e-8))
    assert_close(got, content, rtol=0, atol=1e-6)


def test_strength_leads_from_the_content_to_the_style():
    """Of features that are drawn as they are, so many parts of each."""
    method = Levels("one", [Level(Pixels(), AdaIN("relu1_1"), Pixels())], AMPLE)
    content, studied = 0.3 * picture(0, 32, 32), [method.study(0.3 * picture(1, 64, 64))]
    none, some, all_of_it = (method.stylize(content, Mixture(studied, [1.0], part)) for part in (0.0, 0.25, 1.0))
    assert_close(some, torch.lerp(none, all_of_it, 0.25), rtol=0, atol=1e-5)


def test_trained_levels_find_their_way_back(shared_data):
    """The distilled auto-encoders, all five in a row, lose about 20 of 255 levels in the mean."""
    path = shared_data / "weights" / "wct16x_all.safetensors"
    levels = [
        Level(SlimEncoder.pretrained(path, stage), WCT(f"relu{stage}_1"), SlimDecoder.pretrained(path, stage))
        for stage in (5, 4, 3, 2, 1)
    ]
    method = Levels("wct", levels, AMPLE)
    content = artwork.read(shared_data / "kodak24" / "kodim23.png").pixels[None].float() / 127.5 - 1
    content = interpolate(content, (128, 192), mode="bilinear", antialias=True)
    got = method.stylize(content, Mixture([method.study(picture(1, 64, 64))], [1.0], strength=1e-6))
    assert_close((got - content).abs().mean() * 127.5, torch.tensor(20.0), rtol=0, atol=5)


def test_what_is_drawn_leaves_the_content_as_it_was():
    method, content = made("wct"), picture(0, 48, 64)
    before = content.clone()
    for strength in (0.0, 1.0):
        method.stylize(content, Mixture([method.study(picture(1, 64, 64))], [1.0], strength))
    assert_close(content, before, rtol=0, atol=0)


@pytest.mark.parametrize("transform", [AdaIN, WCT])
def test_what_is_not_finite_stays_so_and_spoils_no_neighbour(transform):
    """Which a decomposition of such a covariance would not say, but fail."""
    one = level(transform("relu2_1"))
    contents = torch.cat([picture(0, 32, 32), picture(1, 32, 32)])
    contents[0, 0, 5, 5] = torch.nan
    codes = one.learn(picture(2, 32, 32).expand(2, -1, -1, -1))
    activations = one.encode(contents)
    changed = one.transform.bind(one.transform.summarise(activations), codes)(activations)
    assert changed[0].isnan().any()
    alone = {tap: activation[1:] for tap, activation in activations.items()}
    code = one.learn(picture(2, 32, 32))
    assert_close(changed[1:], one.transform.bind(one.transform.summarise(alone), code)(alone), rtol=1e-4, atol=1e-4)


def test_needs_are_those_of_the_costliest_level():
    method = made("wct")
    each = [Levels("one", [one], AMPLE).needs(100, 200) for one in method.levels]
    assert method.needs(100, 200) == max(each)
    assert len({*each}) > 1


def test_too_little_memory_says_how_much_would_do():
    method, content = made("adain", memory=1 << 20), picture(0, 200, 200)
    with pytest.raises(UserError, match="--max-memory: 200 x 200 pixels need [0-9]+ MiB at least, in tiles; got 1"):
        method.stylize(content, Mixture([method.study(picture(1, 64, 64))], [1.0]))
