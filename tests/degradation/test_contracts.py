"""What holds for every degradation."""

import pickle
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from damages import picture, seeded
from torch.testing import assert_close

import atelier.degradation
from atelier.degradation.base import Damaged, Degradation
from atelier.degradation.blur import Blur
from atelier.degradation.colour_loss import ColourLoss
from atelier.degradation.downsample import Downsample
from atelier.degradation.holes import Holes
from atelier.degradation.jpeg import Jpeg
from atelier.degradation.noise import Noise
from atelier.degradation.scratches import Scratches
from atelier.degradation.sketch import Sketch
from atelier.degradation.varnish import Varnish

KINDS = [
    Blur(sigma=(0.5, 2.0)),
    ColourLoss(amount=(0.2, 0.8)),
    Downsample(factor=2),
    Downsample(factor=4),
    Holes(count=(1, 4), size=(0.1, 0.4)),
    Holes(count=(1, 4), size=(0.1, 0.4), fill="white"),
    Jpeg(quality=(5, 95)),
    Noise(sigma=(5.0, 50.0)),
    Scratches(count=(2, 6), length=(0.2, 0.9), width=(0.5, 3.0)),
    Sketch(sigma=(0.8, 2.0), strength=(1.0, 4.0)),
    Varnish(fading=(0.1, 0.5), yellowing=(0.2, 1.0), gamma=(0.7, 1.5)),
]

every = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__.lower())


def damaged(kind, seed=0, size=(32, 48)):
    image = picture(*size)
    return kind(Damaged(image, torch.ones_like(image[:1])), seeded(seed))


def test_every_kind_is_among_these():
    folder = Path(atelier.degradation.__file__).parent
    helpers = {"__init__", "base", "chain", "smoothing"}
    there = {path.stem for path in folder.glob("*.py")} - helpers
    assert {type(kind).__module__.rpartition(".")[2] for kind in KINDS} == there


@every
def test_the_same_for_a_seed_and_another_for_another(kind):
    one, again, other = damaged(kind), damaged(kind), damaged(kind, seed=1)
    assert_close(one, again, rtol=0, atol=0)
    assert torch.equal(one.image, other.image) == isinstance(kind, Downsample)


@every
def test_a_picture_stays_a_picture(kind):
    for seed in range(10):
        image, known = damaged(kind, seed)
        assert image.dtype == known.dtype == torch.float32
        assert image.shape == (3, 32 // kind.scale, 48 // kind.scale)
        assert known.shape == (1, *image.shape[1:])
        assert image.min() >= 0
        assert image.max() <= 1
        assert set(known.unique().tolist()) <= {0.0, 1.0}


@every
def test_only_holes_and_scratches_lose_pixels(kind):
    assert (damaged(kind).known.min() == 0) == isinstance(kind, Holes | Scratches)


@every
def test_what_is_lost_stays_lost(kind):
    image = picture()
    known = torch.ones_like(image[:1])
    known[:, 8:16, 8:24] = 0
    after = kind(Damaged(image, known), seeded(0)).known
    assert not after[:, 8 // kind.scale : 16 // kind.scale, 8 // kind.scale : 24 // kind.scale].any()


@every
def test_what_is_given_stays_as_it_is(kind):
    image = picture()
    record = Damaged(image.clone(), torch.ones_like(image[:1]))
    kind(record, seeded(0))
    assert_close(record, Damaged(image, torch.ones_like(image[:1])), rtol=0, atol=0)


@every
def test_all_randomness_is_the_generators(kind):
    before = torch.random.get_rng_state()
    damaged(kind)
    assert torch.equal(torch.random.get_rng_state(), before)


@every
@pytest.mark.parametrize("size", [(8, 8), (16, 8), (96, 64)])
def test_any_size(kind, size):
    for seed in range(3):
        assert damaged(kind, seed, size).image.shape[1:] == (size[0] // kind.scale, size[1] // kind.scale)


@every
def test_another_process_does_the_same(kind):
    copy = pickle.loads(pickle.dumps(kind))
    assert copy.key == kind.key
    assert_close(damaged(copy), damaged(kind), rtol=0, atol=0)


def test_keys_name_kinds_and_ranges():
    keys = [kind.key for kind in KINDS] + [Blur(sigma=(0.5, 2.5)).key]
    assert len(set(keys)) == len(keys)
    assert Blur(sigma=[0.5, 2.0]).key == Blur(sigma=(0.5, 2.0)).key  # YAML has lists


RANGED = {
    "sigma": [
        lambda given: Blur(sigma=given),
        lambda given: Noise(sigma=given),
        lambda given: Sketch(sigma=given, strength=(1, 1)),
    ],
    "quality": [lambda given: Jpeg(quality=given)],
    "amount": [lambda given: ColourLoss(amount=given)],
    "count": [
        lambda given: Holes(count=given, size=(0.1, 0.2)),
        lambda given: Scratches(count=given, length=(0.1, 0.2), width=(1, 1)),
    ],
    "size": [lambda given: Holes(count=(1, 1), size=given)],
    "length": [lambda given: Scratches(count=(1, 1), length=given, width=(1, 1))],
    "width": [lambda given: Scratches(count=(1, 1), length=(0.1, 0.2), width=given)],
    "strength": [lambda given: Sketch(sigma=(1, 1), strength=given)],
    "fading": [lambda given: Varnish(fading=given, yellowing=(0, 1))],
    "yellowing": [lambda given: Varnish(fading=(0, 0.5), yellowing=given)],
    "gamma": [lambda given: Varnish(fading=(0, 0.5), yellowing=(0, 1), gamma=given)],
}


@pytest.mark.parametrize(("name", "make"), [(name, make) for name, makes in RANGED.items() for make in makes])
@pytest.mark.parametrize("given", [[0.9, 0.8], [-1, 0.9], [0.9], [0.9, float("nan")]])
def test_no_range_at_all(name, make, given):
    with pytest.raises(ValueError, match=rf"^{name} must be \[low, high\] with .* <= low <= high.*, got \["):
        make(given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Noise(sigma=(0, 256)), r"sigma must be \[low, high\] with 0 <= low <= high <= 255, got \[0, 256\]"),
        (lambda: Sketch(sigma=(0.1, 1), strength=(1, 1)), r"sigma must be \[low, high\] with 0\.5 <= low <= high, got"),
        (lambda: Jpeg(quality=(0, 50)), r"quality must be .* 1 <= low <= high <= 100, got \[0, 50\]"),
        (lambda: Jpeg(quality=(50, 101)), r"quality must be .* got \[50, 101\]"),
        (lambda: ColourLoss(amount=(0, 1.5)), r"amount must be .* <= high <= 1, got"),
        (lambda: Holes(count=(1, 1), size=(0, 1.5)), r"size must be .* <= high <= 1, got"),
        (lambda: Holes(count=(1, 1), size=(0, 1), fill="green"), r"fill must be one of \['mean', 'white'\], got 'gr"),
        (lambda: Scratches(count=(1, 1), length=(0, 3), width=(1, 1)), r"length must be .* <= high <= 2, got"),
        (lambda: Scratches(count=(1, 1), length=(0, 1), width=(1, 1), light=2), r"light must be between 0 and 1, got"),
        (lambda: Varnish(fading=(0, 1), yellowing=(0, 1)), r"fading must be .* <= high <= 0\.95, got \[0, 1\]"),
        (lambda: Varnish(fading=(0, 0), yellowing=(0, 2)), r"yellowing must be .* <= high <= 1, got \[0, 2\]"),
        (lambda: Varnish(fading=(0, 0), yellowing=(0, 1), gamma=(0, 1)), r"gamma must be .* 0\.5 <= low <= high <= 2,"),
        (lambda: Varnish(fading=(0, 0), yellowing=(0, 1), tint=(1, 0.5, 0)), r"tint must be three .*, got \[1, 0\.5,"),
        (lambda: Downsample(factor=3), r"factor must be one of \[2, 4\], got 3"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_a_range_of_one_value_is_that_value():
    one, other = (damaged(ColourLoss(amount=(0.4, 0.4)), seed) for seed in (0, 1))
    assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda high: Blur(sigma=(high, high)),
        lambda high: ColourLoss(amount=(high / 4, high / 4)),
        lambda high: Jpeg(quality=(100 - round(24 * high), 100 - round(24 * high))),
        lambda high: Noise(sigma=(10 * high, 10 * high)),
        lambda high: Varnish(fading=(high / 5, high / 5), yellowing=(0.5, 0.5)),
        lambda high: Holes(count=(3, 3), size=(high / 8, high / 8)),
        lambda high: Scratches(count=(4, 4), length=(high / 4, high / 4), width=(1, 1)),
    ],
)
def test_more_is_worse(make):
    """Mean error grows along the range of what does harm."""
    image = picture(64, 64)
    whole = Damaged(image, torch.ones_like(image[:1]))
    errors = [
        sum((make(high)(whole, seeded(seed)).image - image).abs().mean().item() for seed in range(8))
        for high in (0.4, 1.0, 2.0, 3.9)
    ]
    assert all(less < more for less, more in pairwise(errors))


def test_it_is_for_others_to_say_what_a_degradation_does():
    with pytest.raises(TypeError):
        Degradation()
