import pytest
import torch
from torch import nn
from torch.testing import assert_close

from atelier.networks.patch_heads import PatchHeads, draw_places

WIDTHS = {"pixels": 3, "block1": 5}


def made(width=4):
    torch.manual_seed(0)
    return PatchHeads(WIDTHS, width)


def maps(sides=((8, 6), (2, 3))):
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(2, width, *size, generator=generator)
        for (name, width), size in zip(WIDTHS.items(), sides, strict=True)
    }


def test_vectors_are_of_the_pixels_at_their_places():
    """Park et al. 2020, eq. 3, each pixel on its own."""
    heads, features = made(), maps()
    places = {"pixels": torch.tensor([47, 0, 13]), "block1": torch.tensor([4])}
    vectors = heads(features, places)
    assert {name: part.shape for name, part in vectors.items()} == {"pixels": (2, 3, 4), "block1": (2, 1, 4)}
    for name, part in features.items():
        for picture in range(2):
            for number, place in enumerate(places[name].tolist()):
                row, column = divmod(place, part.shape[3])
                vector = heads.heads[name](part[picture, :, row, column])
                assert_close(vectors[name][picture, number], vector / vector.norm())


def test_vectors_are_of_length_one():
    heads, features = made(), maps()
    for parameter in heads.parameters():
        nn.init.normal_(parameter)
    for vectors in heads(features, draw_places(features, 5)).values():
        assert_close(vectors.norm(dim=2), torch.ones(vectors.shape[:2]))


def test_places_are_drawn_without_replacement():
    features = maps()
    places = draw_places(features, 10)
    assert {name: len(part) for name, part in places.items()} == {"pixels": 10, "block1": 6}
    assert all(part.unique().numel() == len(part) for part in places.values())
    assert sorted(places["block1"].tolist()) == [*range(6)]
    assert places["pixels"].max() < 48


def test_every_place_is_drawn_as_often():
    """4000 draws of 12 of 48 places: each 1000 times, with a deviation of sqrt(1000 * 3 / 4) = 27."""
    torch.manual_seed(0)
    drawn = torch.cat([draw_places({"pixels": maps()["pixels"]}, 12)["pixels"] for _ in range(4000)])
    counts = torch.bincount(drawn, minlength=48)
    assert (counts - 1000).abs().max() < 5 * 27


def test_places_follow_the_seed():
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(draw_places(maps(), 10)["pixels"].tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_gradients_reach_the_maps_at_their_places_and_every_parameter():
    heads, features = made(), maps()
    for parameter in heads.parameters():
        nn.init.normal_(parameter)
    for part in features.values():
        part.requires_grad_()
    places = {"pixels": torch.tensor([3, 9]), "block1": torch.tensor([5])}
    sum((vectors**3).sum() for vectors in heads(features, places).values()).backward()
    for name, part in features.items():
        seen = part.grad.abs().sum(1).flatten(1) > 0
        assert [row.nonzero().flatten().tolist() for row in seen] == [places[name].tolist()] * 2
    assert all(parameter.grad.abs().sum() > 0 for parameter in heads.parameters())


def test_heads_are_as_large_as_the_papers():
    """Two layers of 256 units for each map (appendix B)."""
    heads = PatchHeads({"pixels": 3, "block1": 256})
    assert sum(parameter.numel() for parameter in heads.parameters()) == 4 * 256 + 257 * 256 + 2 * 257 * 256


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PatchHeads({}), "widths must name one map or more, got none"),
        (lambda: PatchHeads(WIDTHS, 0), "width must be >= 1, got 0"),
        (lambda: draw_places(maps(), 0), "count must be >= 1, got 0"),
    ],
)
def test_bad_values_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
