"""What a picture is painted towards is the same in tiles, and each of its weights does what it says."""

import pytest
import torch
from torch.testing import assert_close

from atelier import encoders
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram, MeanDeviation, Wasserstein
from atelier.losses.style_sliced import Sliced
from atelier.tasks.picture_objective import PictureGoal, PictureObjective, StyleGoal
from atelier.tiling import tiles

CONTENT, STYLE = {"relu2_2": 0.5, "relu3_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 0.5, "relu3_1": 0.2}
SIZE = (48, 64)
WHOLE = tiles(*SIZE, None, 0, 4)


def images(number, size=SIZE):
    """Smooth, as pictures are: of noise all styles are alike."""
    generator = torch.Generator().manual_seed(number)
    coarse = torch.rand(1, 3, 6, 6, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(-1, 1)


def objective(style_distance=None, **changes):
    parts = {"content": CONTENT, "style": STYLE, "content_weight": 2.0, "style_weight": 3.0, "variation_weight": 0.5}
    return PictureObjective(encoders.embedded(), ContentDistance(), style_distance or Gram(), **{**parts, **changes})


def halves():
    """The left and the right of a picture, with a soft seam."""
    left = torch.linspace(2, -1, SIZE[1]).clamp(0, 1).expand(1, 1, *SIZE)
    return left, 1 - left


def goal(painted_towards, strength=1.0, regions=(None, None), weights=(3.0, 1.0)):
    styles = [
        StyleGoal(painted_towards.aims(images(number, size)), weight, region)
        for number, size, weight, region in zip((1, 2), ((32, 32), (40, 64)), weights, regions, strict=True)
    ]
    return PictureGoal(painted_towards.content_of(images(0), WHOLE), styles, strength)


def terms_and_gradient(painted_towards, wanted, pieces=WHOLE, only=None):
    pixels = images(3).requires_grad_()
    torch.manual_seed(0)  # of directions drawn by chance
    terms = painted_towards(pixels, wanted, pieces)
    (terms[only] if only else sum(terms.values())).backward()
    return {name: term.detach() for name, term in terms.items()}, pixels.grad


@pytest.mark.parametrize("regions", [(None, None), halves()], ids=["everywhere", "regions"])
@pytest.mark.parametrize(
    "distance", [Gram(), MeanDeviation(), Wasserstein(), Sliced()], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("side", [16, 32])
def test_tiles_have_the_loss_and_the_gradient_of_the_whole(distance, regions, side):
    painted_towards = objective(distance)
    pieces = tiles(*SIZE, side, painted_towards.reach, painted_towards.stride)
    assert len(pieces) >= 4
    wanted = goal(painted_towards, regions=regions)
    expected, slope = terms_and_gradient(painted_towards, wanted)
    found, found_slope = terms_and_gradient(painted_towards, wanted, pieces)
    assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert_close(found_slope, slope, rtol=1e-3, atol=1e-3 * slope.abs().max().item())


def test_the_contents_activations_are_the_same_in_tiles():
    painted_towards = objective()
    pieces = tiles(*SIZE, 16, painted_towards.reach, painted_towards.stride)
    whole, tiled = (painted_towards.content_of(images(0), cut) for cut in (WHOLE, pieces))
    assert_close(tiled, whole, rtol=1e-4, atol=1e-5)
    assert_close(whole, encoders.embedded().taps(images(0), CONTENT))


def test_the_terms_are_the_distances_times_their_weights():
    painted_towards = objective()
    found, _ = terms_and_gradient(painted_towards, goal(painted_towards, weights=(1.0, 1.0)))
    distance, encoder = Gram(), encoders.embedded()
    taps = {*CONTENT, *STYLE}
    seen, content, *styles = (
        encoder.taps(one, taps) for one in (images(3), images(0), images(1, (32, 32)), images(2, (40, 64)))
    )
    style = sum(
        weight * distance(distance.describe(seen[tap]), distance.describe(one[tap]))
        / distance(distance.describe(0 * one[tap]), distance.describe(one[tap]))
        for one in styles
        for tap, weight in STYLE.items()
    )  # fmt: skip
    apart = sum(
        weight * (seen[tap] - content[tap]).square().mean() / content[tap].square().mean()
        for tap, weight in CONTENT.items()
    )
    assert_close(found["style"], 3.0 * style.squeeze() / 2, rtol=1e-4, atol=1e-6)
    assert_close(found["content"], 2.0 * apart, rtol=1e-4, atol=1e-6)


def test_a_picture_that_is_its_content_and_its_style_has_no_loss():
    painted_towards = objective(variation_weight=0.0)
    pixels = images(0)
    wanted = PictureGoal(painted_towards.content_of(pixels, WHOLE), [StyleGoal(painted_towards.aims(pixels))])
    for term in painted_towards(pixels, wanted, WHOLE).values():
        assert_close(term, torch.zeros(()), rtol=0, atol=1e-6)


def test_a_strength_of_zero_leaves_the_content_alone():
    painted_towards = objective(variation_weight=0.0)
    weak, full = goal(painted_towards, strength=0.0), goal(painted_towards)
    terms, slope = terms_and_gradient(painted_towards, weak)
    expected, content_slope = terms_and_gradient(painted_towards, full, only="content")
    assert_close(terms["style"], torch.zeros(()))
    assert_close(terms["content"], expected["content"])
    assert_close(slope, content_slope)


def test_strength_scales_the_style():
    painted_towards = objective()
    half, full = (
        terms_and_gradient(painted_towards, goal(painted_towards, strength=strength))[0] for strength in (0.5, 1.0)
    )
    assert_close(half["style"], full["style"] / 2)
    assert_close(half["content"], full["content"])


def test_the_weights_of_styles_are_shares():
    painted_towards = objective()
    style = {
        weights: terms_and_gradient(painted_towards, goal(painted_towards, weights=weights))[0]["style"]
        for weights in ((1.0, 0.0), (0.0, 1.0), (3.0, 1.0), (30.0, 10.0))
    }
    assert_close(style[3.0, 1.0], 0.75 * style[1.0, 0.0] + 0.25 * style[0.0, 1.0])
    assert_close(style[30.0, 10.0], style[3.0, 1.0])


def test_a_region_of_the_whole_picture_is_as_none():
    painted_towards = objective()
    everywhere = torch.ones(1, 1, *SIZE)
    found, expected = (
        terms_and_gradient(painted_towards, goal(painted_towards, regions=regions))
        for regions in ((everywhere, everywhere), (None, None))
    )
    assert_close(found, expected)


def test_a_style_does_not_reach_beyond_its_region():
    painted_towards = objective()
    left = torch.zeros(1, 1, *SIZE)
    left[..., :16] = 1
    wanted = PictureGoal({}, [StyleGoal(painted_towards.aims(images(1)), region=left)])
    _, slope = terms_and_gradient(painted_towards, wanted, only="style")
    assert slope[..., :16].abs().min(3).values.max() > 0
    assert not slope[..., 16 + painted_towards.reach :].any()


def test_without_content_or_variation_there_are_no_such_terms():
    texture = objective(content={}, variation_weight=0.0)
    wanted = PictureGoal(texture.content_of(images(0), WHOLE), [StyleGoal(texture.aims(images(1)))])
    assert [*texture(images(3), wanted, WHOLE)] == ["style"]


def test_seamless_pictures_are_judged_wherever_they_are_cut():
    painted_towards = objective(seamless=True, content={})
    wanted = PictureGoal({}, [StyleGoal(painted_towards.aims(images(1)))])
    here, there = (painted_towards(one, wanted, WHOLE) for one in (images(3), images(3).roll((8, 20), (2, 3))))
    assert_close(there, here, rtol=1e-4, atol=1e-6)


def test_nothing_of_it_is_learned_or_saved():
    assert not objective().state_dict()
    assert not [*objective().parameters()]


@pytest.mark.parametrize("argument", ["content", "style"])
def test_taps_that_the_encoder_lacks_are_refused(argument):
    with pytest.raises(ValueError, match=rf"{argument} must be of taps among \['relu1_1', .*\], got 'relu9_1'"):
        objective(**{argument: {"relu9_1": 1.0}})


def test_styles_without_regions_share_one_look_at_the_picture(monkeypatch):
    """And are what regions of the whole picture make of them, each with a look of its own."""
    painted_towards = objective()
    everywhere = torch.ones(1, 1, *SIZE)
    shared, apart = goal(painted_towards), goal(painted_towards, regions=(everywhere, everywhere))
    looks = []
    monkeypatch.setattr(Gram, "describe", lambda *args, see=Gram.describe: (looks.append(1), see(*args))[1])
    found = []
    for wanted, times in ((shared, 1), (apart, 2)):
        looks.clear()
        found.append(terms_and_gradient(painted_towards, wanted))
        assert len(looks) == times * len(STYLE)
    assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)
