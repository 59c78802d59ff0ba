"""Moving pictures: video files, by PyAV where it is installed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atelier.data.pictures import BrokenPicture
from atelier.errors import UserError
from atelier.files import replacing
from atelier.stylize.encoding import BT709, Sound, encode, pyav
from atelier.stylize.provenance import note_of

USUAL_RATE = Fraction(25)
"""Frames a second of a video that says nothing of it."""

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
_BT601, _UNSAID = 5, 2  # colour matrices as H.273 numbers them


def rate_of(path: Path) -> Fraction:
    """Frames a second of a video, on average. Raises BrokenPicture."""
    with _opened(path) as container:
        return Fraction(container.streams.video[0].average_rate or USUAL_RATE)


def length_of(path: Path) -> int:
    """How many frames a video says it has, or about how many its length leaves room for. Raises BrokenPicture."""
    with _opened(path) as container:
        video = container.streams.video[0]
        seconds = Fraction(container.duration or 0, pyav().time_base)
        return video.frames or max(1, round(seconds * (video.average_rate or USUAL_RATE)))


def frames(path: Path) -> Iterator[Tensor]:
    """Each frame of a video's first picture track, uint8 (3, H, W) and as it is shown: a telephone's turned films are
    upright. Raises BrokenPicture."""
    with _opened(path) as container:
        for frame in container.decode(video=0):
            yield _upright(frame)


def read_note(path: Path) -> dict[str, Any]:
    """The note that a clip was written with; empty where it has none. Raises BrokenPicture."""
    with _opened(path) as container:
        entries = {key.lower(): text for key, text in container.metadata.items()}  # Matroska has COMMENT
        return note_of(entries.get("comment"))


def write_clip(
    path: Path, pictures: Iterable[Tensor], rate: Fraction, note: Mapping[str, object], sound: Path | None = None
) -> None:
    """Write frames, uint8 (3, H, W) of one size, as H.264 that any player shows.

    A side of odd length gets its last pixels twice, which H.264's colour needs. What sound the clip `sound` has
    is copied as it is, up to the last frame. The note is the video's comment, as JSON. A video appears when it is
    whole. Raises UserError for another suffix, no frames, or sound that the format cannot hold, BrokenPicture for what
    PyAV cannot write.
    """
    if path.suffix.lower() not in _CONTAINERS:
        raise UserError(f"{path}: a clip's name must end in one of {', '.join(sorted(_CONTAINERS))}")
    container = _CONTAINERS[path.suffix.lower()]
    flags = {} if container == "matroska" else {"movflags": "+faststart"}
    waiting = iter(pictures)
    first = [*islice(waiting, 1)]  # before a folder is made, which would be left of what cannot even begin
    with ExitStack() as stack:
        partial = stack.enter_context(replacing(path))
        stack.enter_context(_told())
        output = stack.enter_context(pyav().open(str(partial), "w", format=container, options=flags))
        output.metadata["comment"] = json.dumps(note, default=str)
        source = stack.enter_context(_opened(sound)) if sound is not None else None
        heard = Sound(output, source, path) if source and source.streams.audio else None
        encode(output, chain(first, waiting), rate, heard)


def _upright(frame: Any) -> Tensor:
    matrix = None  # what the frame says
    if frame.colorspace == _UNSAID:
        matrix = BT709 if frame.height >= 720 else _BT601  # as players guess
    pixels = frame.to_ndarray(format="rgb24", src_colorspace=matrix)
    return torch.from_numpy(pixels).permute(2, 0, 1).rot90(round(frame.rotation / 90), (1, 2)).contiguous()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with _told(), pyav().open(str(path)) as container:
        if not container.streams.video:
            raise BrokenPicture("no picture track")
        yield container


@contextmanager
def _told() -> Iterator[None]:
    """A file that PyAV can make nothing of is the user's to mend."""
    try:
        yield
    except pyav().error.FFmpegError as error:
        raise BrokenPicture(f"no video that can be used ({error.strerror})") from error
