"""Pictures painted by learning their pixels: the same in tiles, towards mixtures and regions, from coarse to fine."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate
from torch.testing import assert_close

from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram
from atelier.networks.vgg_normalised import ReflectedEncoder
from atelier.stylize import gatys
from atelier.stylize.gatys import PixelSearch
from atelier.stylize.method import Mixture
from atelier.tasks.picture_objective import PictureObjective
from atelier.tiling import tiles

WIDTHS = {"relu1_1": 6, "relu2_1": 8}
AMPLE = 1 << 40
LBFGS = partial(torch.optim.LBFGS, max_iter=1, history_size=5, line_search_fn="strong_wolfe")
SGD = partial(torch.optim.SGD, lr=1.0)


class Encoder(ReflectedEncoder):
    ceil_mode = False


def made(steps=4, scales=1, optimizer=LBFGS, told=lambda *_: None, start="content", **weights):
    torch.manual_seed(0)
    encoder = Encoder(WIDTHS).requires_grad_(False)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.1)
    style = dict.fromkeys(WIDTHS, 0.5)
    chosen = {"style_weight": 10.0, "variation_weight": 0.1, **weights}
    objective = PictureObjective(encoder, ContentDistance(), Gram(), {"relu2_1": 1.0}, style, **chosen)
    return PixelSearch(objective, optimizer, steps, scales, AMPLE, kept=20, start=start, told=told)


def picture(seed, height, width):
    generator = torch.Generator().manual_seed(seed)
    coarse = interpolate(torch.rand(1, 3, 4, 5, generator=generator), (height, width), mode="bicubic")
    return (1.5 * coarse + 0.5 * torch.rand(1, 3, height, width, generator=generator) - 1).clamp(-1, 1)


def halves(height, width):
    left = torch.zeros(1, 1, height, width)
    left[..., : width // 2] = 1
    return torch.cat([left, 1 - left])


def distance(method, images, style):
    aims = method.objective.aims(style)
    seen = method.objective.encoder.taps(images, WIDTHS)
    measure = method.objective.style_distance
    return float(sum(measure.apart(measure.describe(seen[tap]), aims[tap]) for tap in WIDTHS))


@pytest.mark.parametrize(("strength", "divided"), [(1.0, False), (0.5, True)])
def test_a_picture_in_tiles_is_the_picture_in_one_piece(strength, divided, monkeypatch):
    """Plain descent: L-BFGS would make much of the last bits, in which sums of tiles differ."""
    method, size = made(steps=3, scales=2, optimizer=SGD), (45, 70)
    content, styles = picture(0, *size), [picture(1, 40, 40), picture(2, 32, 48)]
    mixture = Mixture(styles, [1.0, 3.0], strength, halves(*size) if divided else None)
    whole = method.stylize(content, mixture)
    assert whole.shape == content.shape
    assert (whole - content).abs().mean() > 1e-3
    monkeypatch.setattr(gatys, "tiles", lambda h, w, side, reach, stride: tiles(h, w, 16, reach, stride))
    assert_close(method.stylize(content, mixture), whole, rtol=0, atol=1e-4)


def test_little_memory_makes_tiles():
    method, heights = made(steps=1), []
    see = method.objective._see
    method.objective._see = lambda pixels, goal, tile: (
        heights.append(tile.rows.last - tile.rows.first),
        see(pixels, goal, tile),
    )[1]
    content, mixture = picture(0, 160, 96), Mixture([picture(1, 40, 40)], [1.0])
    whole = method.stylize(content, mixture)
    assert {*heights} == {160}
    heights.clear()
    cost = method._cost
    method.memory = int(cost.whole * 160 * 96 + cost.window * 96 * 90)
    assert_close(method.stylize(content, mixture), whole, rtol=0, atol=1e-3)
    assert max(heights) <= 90


def test_the_picture_comes_closer_to_the_style():
    method, content, style = made(steps=15), picture(0, 32, 48), picture(1, 40, 40)
    stylised = method.stylize(content, Mixture([style], [1.0]))
    assert distance(method, stylised, style) < 0.3 * distance(method, content, style)
    assert stylised.abs().max() <= 1


@pytest.mark.parametrize("scales", [1, 3])
def test_without_strength_it_is_the_content(scales):
    method, content = made(scales=scales), picture(0, 33, 47)
    assert_close(method.stylize(content, Mixture([picture(1, 32, 32)], [1.0], 0.0)), content, rtol=0, atol=0)


def test_strength_leads_towards_the_style():
    method, content, style = made(steps=10), picture(0, 32, 48), picture(1, 40, 40)
    found = [distance(method, method.stylize(content, Mixture([style], [1.0], part)), style) for part in (0, 0.05, 1)]
    assert found == sorted(found, reverse=True)
    assert len({*found}) == 3


def test_a_style_mixed_with_itself_is_that_style():
    method, content, style = made(optimizer=SGD), picture(0, 32, 48), picture(1, 40, 40)
    alone = method.stylize(content, Mixture([style], [1.0]))
    assert_close(method.stylize(content, Mixture([style] * 2, [1.0, 2.0])), alone, rtol=0, atol=1e-4)


def test_each_region_gets_a_style_of_its_own():
    method, content = made(steps=15), picture(0, 32, 64)
    styles = picture(1, 40, 40), -picture(2, 40, 40).abs()
    both = method.stylize(content, Mixture(styles, [1.0, 1.0], regions=halves(32, 64)))
    for part, own, other in ((both[..., :32], *styles), (both[..., 32:], *styles[::-1])):
        assert distance(method, part, own) < 0.5 * distance(method, part, other)


def test_it_tells_of_each_step_at_its_scale():
    heard = []
    method = made(steps=5, scales=2, told=lambda *told: heard.append(told))
    method.stylize(picture(0, 40, 48), Mixture([picture(1, 32, 32)], [1.0]))
    assert [(scale.factor, step) for scale, step, _ in heard] == [(0.5, 0), (0.5, 1), (1.0, 2), (1.0, 3), (1.0, 4)]
    assert [*heard[0][2]] == ["style", "content", "variation"]
    assert not any(term.requires_grad for _, _, terms in heard for term in terms.values())


def test_noise_to_start_from_is_that_of_the_seed():
    method, content, mixture = made(steps=2, start="noise"), picture(0, 32, 32), Mixture([picture(1, 32, 32)], [1.0])
    found = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        found.append(method.stylize(content, mixture))
    assert_close(found[0], found[1], rtol=0, atol=0)
    assert (found[0] - found[2]).abs().mean() > 1e-3


def test_needs_grow_with_what_the_optimizer_keeps():
    few, many = made(), made()
    many.kept = few.kept + 10
    assert many.needs(100, 50) - few.needs(100, 50) == 10 * 12 * 5000
