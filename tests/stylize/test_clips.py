"""Clips come back as they were written; the smoother keeps what stands still and follows what moves."""

import itertools
import json
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from atelier.errors import UserError
from atelier.stylize.clips import frames, length_of, rate_of, write_clip
from atelier.stylize.motion import flow, warp
from atelier.stylize.smoothing import Smoother

RATE = Fraction(24000, 1001)


def scene(seed=0, height=96, width=128):
    """A smooth pattern in [-1, 1], with something to follow everywhere."""
    generator = torch.Generator().manual_seed(seed)
    octaves = [torch.rand(1, 3, height // cell, width // cell, generator=generator) * 2 - 1 for cell in (8, 16, 32)]
    return sum(functional.interpolate(octave, size=(height, width), mode="bicubic") for octave in octaves) / 3.5


def pan(steps, right, down, seed=0):
    """A window that moves over a larger scene, in whole pixels: the content itself is never resampled."""
    large = scene(seed, 160, 192)
    tops = [32 + down * step for step in range(steps)]
    lefts = [32 + right * step for step in range(steps)]
    return [large[..., top : top + 96, left : left + 128] for top, left in zip(tops, lefts, strict=True)]


def film(count=5, height=48, width=64):
    """Frames that differ: a bright bar moves to the right over a left-to-right slope."""
    slope = torch.linspace(20, 160, width).expand(3, height, width).clone()
    pictures = [slope.clone() for _ in range(count)]
    for index, picture in enumerate(pictures):
        picture[:, :, 8 * index : 8 * index + 8] = torch.tensor([220.0, 60.0, 40.0])[:, None, None]
    return [picture.to(torch.uint8) for picture in pictures]


def with_sound(av, path, seconds=1):
    """A clip of noise and a tone."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = output.add_stream("aac", rate=44100)
        for _ in range(24 * seconds):
            output.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        tone = np.sin(np.arange(44100 * seconds) * 0.05).astype(np.float32)[None]
        sound = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
        sound.sample_rate = 44100
        output.mux([*audio.encode(sound), *audio.encode(None), *video.encode(None)])


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_a_clip_is_as_long_as_its_frames_are_many(suffix, tmp_path):
    """Matroska does not say how many there are."""
    pytest.importorskip("av")
    path = tmp_path / f"film.{suffix}"
    write_clip(path, film(7), RATE, {})
    assert length_of(path) == len([*frames(path)]) == 7


@pytest.fixture
def av():
    return pytest.importorskip("av")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_comes_back_as_it_was_written(tmp_path, av, suffix):
    path = tmp_path / f"clip{suffix}"
    write_clip(path, film(), RATE, {"method": "gatys", "seed": 3})
    assert rate_of(path) == RATE
    back = [*frames(path)]
    for got, wanted in zip(back, film(), strict=True):
        assert (got.dtype, got.shape) == (torch.uint8, wanted.shape)
        assert float((got.float() - wanted.float()).abs().mean()) < 6  # colour has half the resolution
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with av.open(str(path)) as container:
        comment = container.metadata.get("comment") or container.metadata["COMMENT"]
        assert json.loads(comment) == {"method": "gatys", "seed": 3}
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (30, 60, 250), (128, 128, 128)])
@pytest.mark.parametrize("size", [(48, 64), (720, 64)])  # players take the untagged for SDTV or HDTV, by their height
def test_colours_survive(tmp_path, av, colour, size):
    plain = torch.tensor(colour, dtype=torch.uint8)[:, None, None].expand(3, *size)
    write_clip(tmp_path / "clip.mp4", [plain], RATE, {})
    assert_close(next(frames(tmp_path / "clip.mp4")).float(), plain.float(), atol=3, rtol=0)


@pytest.mark.parametrize(
    ("said", "size", "matrix"),
    [(1, (48, 64), 1), (6, (48, 64), 5), (6, (720, 64), 5), (2, (48, 64), 5), (2, (720, 64), 1)],
)
def test_videos_of_others_are_read_by_what_they_say_or_else_by_their_height(tmp_path, av, said, size, matrix):
    """Matrices by H.273: 1 is HDTV's, 5 and 6 are SDTV's, 2 is none named."""
    colour = np.broadcast_to(np.uint8([200, 40, 90]), (*size, 3))
    with av.open(str(tmp_path / "clip.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=24, options={"crf": "5"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.colorspace = said
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(colour), "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=1)
        frame.colorspace = said
        output.mux([*stream.encode(frame), *stream.encode(None)])
    got = next(frames(tmp_path / "clip.mp4")).permute(1, 2, 0)
    assert_close(got.float(), torch.from_numpy(colour.copy()).float(), atol=4, rtol=0)


def test_odd_sides_get_their_last_pixels_twice(tmp_path, av):
    write_clip(tmp_path / "clip.mp4", [picture[:, :47, :63] for picture in film()], RATE, {})
    first = next(frames(tmp_path / "clip.mp4")).float()
    assert first.shape == (3, 48, 64)
    assert_close(first[:, 46, 20:].mean(), first[:, 47, 20:].mean(), atol=2, rtol=0)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_turned_films_are_upright(tmp_path, av, degrees):
    """As a telephone writes them: pixels as its sensor lies, and a matrix that says how to show them."""
    with av.open(str(tmp_path / "clip.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=24, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(degrees)
        lying = film(1)[0].permute(1, 2, 0).numpy()
        output.mux([*stream.encode(av.VideoFrame.from_ndarray(lying, "rgb24")), *stream.encode(None)])
    upright = np.rot90(lying, degrees // 90)  # both count counter-clockwise
    got = next(frames(tmp_path / "clip.mp4")).permute(1, 2, 0)
    assert got.shape == upright.shape
    assert float((got.float() - torch.from_numpy(upright.copy()).float()).abs().mean()) < 6


def test_sound_is_kept_up_to_the_last_frame(tmp_path, av):
    with_sound(av, tmp_path / "source.mp4")
    write_clip(tmp_path / "clip.mp4", film(12), Fraction(24), {}, sound=tmp_path / "source.mp4")
    with av.open(str(tmp_path / "source.mp4")) as source, av.open(str(tmp_path / "clip.mp4")) as clip:
        assert clip.streams.audio[0].codec_context.name == "aac"
        packets = [bytes(packet) for packet in clip.demux(audio=0) if packet.size]
        originals = [bytes(packet) for packet in source.demux(audio=0) if packet.size]
    assert packets == originals[: len(packets)]
    assert 0.4 * len(originals) < len(packets) < 0.6 * len(originals)


def test_a_silent_source_gives_a_silent_clip(tmp_path, av):
    write_clip(tmp_path / "source.mp4", film(), RATE, {})
    write_clip(tmp_path / "clip.mp4", film(), RATE, {}, sound=tmp_path / "source.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert len(clip.streams) == 1


def test_what_is_no_clip_is_told(tmp_path, av):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(UserError, match=r"text\.mp4: no video that can be used"):
        [*frames(tmp_path / "text.mp4")]
    with pytest.raises(UserError, match=r"absent\.mp4: no video that can be used"):
        rate_of(tmp_path / "absent.mp4")
    with pytest.raises(UserError, match=r"clip\.avi: a clip's name must end in one of \.m4v, \.mkv, \.mov, \.mp4$"):
        write_clip(tmp_path / "clip.avi", film(), RATE, {})
    with pytest.raises(UserError, match=r"folder: a clip's name must end in one of"):
        write_clip(tmp_path / "folder", film(), RATE, {})
    with pytest.raises(UserError, match=r"frame 1 is \(48, 32\), those before \(48, 64\)"):
        write_clip(tmp_path / "clip.mp4", [film()[0], film()[0][..., :32]], RATE, {})
    with pytest.raises(UserError, match="no frames"):
        write_clip(tmp_path / "clip.mp4", [], RATE, {})
    assert [file.name for file in tmp_path.iterdir()] == ["text.mp4"]


def test_the_rate_is_had_without_looking_through_the_film(tmp_path, av, monkeypatch):
    write_clip(tmp_path / "clip.mp4", film(), RATE, {})
    opened = av.open

    class Closed:
        """A container whose packets nobody may ask for."""

        def __init__(self, container):
            self.streams = container.streams

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(av, "open", lambda path: Closed(opened(path)))
    assert rate_of(tmp_path / "clip.mp4") == RATE


def test_without_pyav_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    needed = r"^clips need PyAV: pip install -e '.\[video\]'$"
    with pytest.raises(UserError, match=needed):
        [*frames(tmp_path / "clip.mp4")]
    with pytest.raises(UserError, match=needed):
        rate_of(tmp_path / "clip.mp4")
    with pytest.raises(UserError, match=needed):
        write_clip(tmp_path / "clip.mp4", film(), RATE, {})


@pytest.mark.parametrize("motion", [(0, 0), (1, 0), (0, -2), (5, 3), (-12, 9)])
def test_flow_finds_a_translation(motion):
    before, after = pan(2, *motion)
    inner = flow(before, after)[..., 24:-24, 24:-24]
    assert_close(inner.mean((2, 3))[0], torch.tensor([*map(float, motion)]), atol=0.15, rtol=0)
    assert float((inner - inner.mean((2, 3), keepdim=True)).abs().mean()) < 0.3


def test_flow_of_pictures_in_a_batch_does_not_mix():
    pairs = [pan(2, 3, 1, seed=1), pan(2, -2, 4, seed=2)]
    together = flow(*(torch.cat(images) for images in zip(*pairs, strict=True)))
    assert_close(together[1:], flow(*pairs[1]), atol=1e-4, rtol=1e-4)


def test_warping_by_whole_pixels_moves_pixels():
    picture = scene()
    moved = warp(picture, torch.tensor([3.0, -2.0])[None, :, None, None].expand(1, 2, 96, 128))
    assert_close(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-4, rtol=0)


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
