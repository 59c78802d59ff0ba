"""The smoother keeps what stands still and follows what moves."""

import itertools

import pytest
import torch
from scenes import pan, scene
from torch.testing import assert_close

from atelier.stylize.smoothing import Smoother


def test_a_still_is_kept_exactly():
    smoother, content = Smoother(), scene()
    first = smoother(content, scene(1))
    assert_close(first, scene(1), atol=0, rtol=0)
    for seed in range(2, 6):
        assert_close(smoother(content, scene(seed)), first, atol=0, rtol=0)


def test_the_still_part_of_a_moving_picture_is_kept_exactly():
    contents = [scene().clone() for _ in range(4)]
    for index, content in enumerate(contents):
        content[..., 30:50, 10 + 6 * index : 30 + 6 * index] = 1
    smoother = Smoother()
    outputs = [smoother(content, scene(1 + index)) for index, content in enumerate(contents)]
    assert_close(outputs[-1][..., 60:, :], outputs[0][..., 60:, :], atol=0, rtol=0)


@pytest.mark.parametrize("motion", [(0, 0), (2, 1), (-4, 2)])
def test_flicker_falls(motion):
    """The error is measured with the true motion, not with the smoother's own idea of it."""
    right, down = motion
    contents = pan(6, right, down)
    generator = torch.Generator().manual_seed(7)
    gains = 1 + 0.3 * torch.randn(6, generator=generator)
    noisy = [
        (content * gain + 0.2 * torch.randn(content.shape, generator=generator)).clamp(-1, 1)
        for content, gain in zip(contents, gains, strict=True)
    ]

    def error(outputs):
        inner = slice(16, -16)
        return sum(
            float((new[..., inner, inner] - old.roll((-down, -right), (2, 3))[..., inner, inner]).abs().mean())
            for old, new in itertools.pairwise(outputs)
        )

    smoother = Smoother()
    assert error([smoother(*pair) for pair in zip(contents, noisy, strict=True)]) < 0.35 * error(noisy)


def test_a_steady_painting_stays_nearly_what_it_is():
    smoother = Smoother()
    contents = pan(6, 3, 2)
    for content in contents:
        output = smoother(content, -content)
    assert float((output + contents[-1]).abs().mean()) < 0.02


def test_a_cut_begins_anew():
    smoother = Smoother()
    smoother(scene(0), scene(1))
    assert_close(smoother(scene(2) * 0.5 + 0.5, scene(3)), scene(3), atol=0, rtol=0)


def test_slow_changes_of_light_are_noticed():
    """No two frames differ by more than the tolerance, the first and the last do."""
    smoother = Smoother(tolerance=0.1)
    for step in range(21):
        content = scene() * 0.3 + 0.04 * step - 0.4
        output = smoother(content, content)
    assert float((output - content).abs().mean()) < 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"tolerance": 0.0}, "tolerance must be positive, got 0.0"), ({"cut": 1.0}, r"cut must be in \[0, 1\), got 1.0")],
)
def test_bad_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Smoother(**arguments)


def test_frames_of_another_size_are_refused():
    smoother = Smoother()
    with pytest.raises(ValueError, match="like the content"):
        smoother(scene(), scene()[..., :64])
    smoother(scene(), scene())
    with pytest.raises(ValueError, match=r"frames must be \(1, 3, 96, 128\), got \(1, 3, 96, 64\)"):
        smoother(scene()[..., :64], scene()[..., :64])
