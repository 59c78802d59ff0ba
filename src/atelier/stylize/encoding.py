"""Frames and sound into an open container of PyAV, which is an optional dependency."""

import importlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atelier.errors import UserError

BT709 = 1
"""H.273's number for the colours of HDTV: of matrix, primaries and transfer alike."""

_STUDIO_RANGE = 1


def pyav() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise UserError("clips need PyAV: pip install -e '.[video]'") from error


class Sound:
    """The sound track of a clip, copied packet by packet beside the frames that it belongs to."""

    def __init__(self, output: Any, source: Any, path: Path) -> None:
        track = source.streams.audio[0]
        if track.codec_context.name not in output.supported_codecs:
            raise UserError(f"{path}: cannot hold the clip's sound ({track.codec_context.name}); a .mkv can")
        self.output, self.stream = output, output.add_stream_from_template(track)
        video = source.streams.video[0]
        self.start = (video.start_time or 0) * video.time_base
        self.packets = (packet for packet in source.demux(track) if packet.dts is not None)
        self.waiting: Any = next(self.packets, None)

    def copy_until(self, seconds: Fraction) -> None:
        while self.waiting is not None and self._time() < seconds:
            if self._time() >= 0:
                shift = round(self.start / self.waiting.time_base)
                self.waiting.pts, self.waiting.dts = self.waiting.pts - shift, self.waiting.dts - shift
                self.waiting.stream = self.stream
                self.output.mux(self.waiting)
            self.waiting = next(self.packets, None)

    def _time(self) -> Fraction:
        return Fraction(self.waiting.pts * self.waiting.time_base - self.start)


def encode(output: Any, pictures: Iterable[Tensor], rate: Fraction, sound: Sound | None) -> None:
    stream = None
    for index, pixels in enumerate(map(_even, pictures)):
        stream = stream or _video_stream(output, pixels, rate)
        if (stream.height, stream.width) != pixels.shape[1:]:
            raise UserError(f"frame {index} is {(*pixels.shape[1:],)}, those before {(stream.height, stream.width)}")
        frame = pyav().VideoFrame.from_ndarray(pixels.permute(1, 2, 0).cpu().contiguous().numpy(), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=_STUDIO_RANGE)
        frame.pts, frame.time_base = index, 1 / rate
        output.mux(stream.encode(frame))
        if sound is not None:
            sound.copy_until((index + 1) / rate)
    if stream is None:
        raise UserError("no frames to write")
    output.mux(stream.encode(None))


def _video_stream(output: Any, pixels: Tensor, rate: Fraction) -> Any:
    stream = output.add_stream("libx264", rate=rate, options={"crf": "18"})
    stream.height, stream.width = pixels.shape[1:]
    stream.pix_fmt = "yuv420p"
    coding = stream.codec_context
    coding.time_base = 1 / rate
    coding.colorspace = coding.color_primaries = coding.color_trc = BT709  # said, or players guess by the size
    coding.color_range = _STUDIO_RANGE
    return stream


def _even(pixels: Tensor) -> Tensor:
    height, width = pixels.shape[1:]
    rows = torch.arange(height + height % 2).clamp_max(height - 1)
    columns = torch.arange(width + width % 2).clamp_max(width - 1)
    return pixels.cpu()[:, rows][:, :, columns]
