"""Clips come back as they were written."""

import json
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.stylize.clips import frames, length_of, rate_of, write_clip

RATE = Fraction(24000, 1001)


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
    with pytest.raises(BrokenPicture, match="^no video that can be used"):
        [*frames(tmp_path / "text.mp4")]
    with pytest.raises(BrokenPicture, match="^no video that can be used"):
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
