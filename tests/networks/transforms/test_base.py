"""What all transforms promise."""

from functools import reduce

import pytest
import torch
from torch.testing import assert_close

from atelier.networks.transforms.adain import AdaIN
from atelier.networks.transforms.base import Summary
from atelier.networks.transforms.sanet import SANet
from atelier.networks.transforms.wct import WCT

WIDTHS = {"relu4_1": 4, "relu5_1": 6}

each_transform = pytest.mark.parametrize("kind", [AdaIN, WCT, lambda: SANet(WIDTHS)], ids=["AdaIN", "WCT", "SANet"])


def built(kind):
    torch.manual_seed(0)
    return kind().requires_grad_(False)


def activations(seed, batch=1, height=4, width=6):
    """Of both taps, the first twice as large, with channels that depend on each other."""
    generator = torch.Generator().manual_seed(seed)
    return {
        tap: torch.relu(
            torch.einsum(
                "oi, bihw -> bohw",
                torch.randn(channels, channels, generator=generator),
                torch.randn(batch, channels, height * scale, width * scale, generator=generator),
            )
            + 0.5
        )
        for (tap, channels), scale in zip(WIDTHS.items(), (2, 1), strict=True)
    }


def part(whole, rows=slice(None), columns=slice(None)):
    """The places given of the last tap, and those of the first that fall into them."""
    doubled = [slice(span.start and 2 * span.start, span.stop and 2 * span.stop) for span in (rows, columns)]
    places = {"relu4_1": doubled, "relu5_1": [rows, columns]}
    return {tap: activation[..., places[tap][0], places[tap][1]] for tap, activation in whole.items()}


def transferred(transform, content, style):
    return transform(content, transform.summarise(content), transform.learn(style))


@each_transform
def test_features_are_as_the_first_tap_and_change_with_the_style(kind):
    transform, content = built(kind), activations(0, batch=2)
    first, second = (transferred(transform, content, activations(seed, 2, 3, 5)) for seed in (1, 2))
    assert first.shape == content[transform.taps[0]].shape
    assert first.isfinite().all()
    assert (first - second).abs().mean() > 0.03


@each_transform
def test_pictures_do_not_mix_within_a_batch(kind):
    transform, content, style = built(kind), activations(0, batch=2), activations(1, 2, 3, 5)
    apart = [
        transferred(transform, *({tap: maps[i : i + 1] for tap, maps in side.items()} for side in (content, style)))
        for i in range(2)
    ]
    assert_close(transferred(transform, content, style), torch.cat(apart), rtol=1e-4, atol=1e-4)


@each_transform
@pytest.mark.parametrize(("contents", "styles"), [(3, 1), (1, 3)])
def test_one_of_either_serves_all_of_the_other(kind, contents, styles):
    transform, content, style = built(kind), activations(0, contents), activations(1, styles)
    repeated = [{tap: maps.expand(3, -1, -1, -1) for tap, maps in side.items()} for side in (content, style)]
    made = transferred(transform, content, style)
    assert_close(made, transferred(transform, *repeated), rtol=1e-4, atol=1e-4)


@each_transform
def test_summaries_of_tiles_merge_to_that_of_the_whole(kind):
    transform, content = built(kind), activations(0, batch=2)
    tiles = [part(content, rows, columns) for rows in halves(4) for columns in halves(6)]
    merged = reduce(Summary.merge, map(transform.summarise, tiles))
    for tap, expected in transform.summarise(content).moments.items():
        assert_close(merged.moments[tap], expected, rtol=1e-4, atol=1e-5)


@each_transform
def test_a_tile_with_its_margin_is_a_part_of_the_whole(kind):
    transform, content = built(kind), activations(0, batch=2)
    apply = transform.bind(transform.summarise(content), transform.learn(activations(1, 2, 3, 5)))
    margin = -(-transform.reach // 16)  # in places of relu5_1
    tile = apply(part(content, slice(0, 2 + margin), slice(3 - margin, 6)))[..., :4, 2 * margin :]
    assert_close(tile, apply(content)[..., :4, 6:], rtol=1e-4, atol=1e-4)


@each_transform
def test_a_tile_of_the_plain_content_is_a_part_of_the_whole(kind):
    transform, content = built(kind), activations(0, batch=2)
    apply = transform.bind_plain(transform.summarise(content), lambda: transform.learn(content))
    margin = -(-transform.reach // 16)
    tile = apply(part(content, slice(0, 2 + margin), slice(3 - margin, 6)))[..., :4, 2 * margin :]
    assert_close(tile, transform.plain(content)[..., :4, 6:], rtol=1e-4, atol=1e-4)


def halves(length):
    return slice(0, length // 2), slice(length // 2, length)


@each_transform
def test_a_region_of_a_style_is_as_if_it_were_all(kind):
    transform, content, style = built(kind), activations(0), activations(1)
    weight = torch.zeros(1, 1, 4, 6)
    weight[..., :2] = 1
    summary = transform.summarise(content)
    alone = transform(content, summary, transform.learn(part(style, columns=slice(0, 2))))
    assert_close(transform(content, summary, transform.learn(style, weight)), alone, rtol=1e-4, atol=1e-4)


@each_transform
def test_a_region_of_a_content_is_summarised_alone(kind):
    transform, content = built(kind), activations(0)
    weight = torch.zeros(1, 1, 4, 6)
    weight[..., 1:, :] = 1
    alone = transform.summarise(part(content, rows=slice(1, 4)))
    for tap, found in transform.summarise(content, weight).moments.items():
        assert_close(found, alone.moments[tap], rtol=1e-4, atol=1e-5)


@each_transform
def test_an_empty_region_is_no_catastrophe(kind):
    transform, content, nothing = built(kind), activations(0), torch.zeros(1, 1, 4, 6)
    summary, code = transform.summarise(content, nothing), transform.learn(activations(1), nothing)
    assert transform(content, summary, code).isfinite().all()
