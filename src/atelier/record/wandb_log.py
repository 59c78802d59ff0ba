"""What W&B has on the disk of a run: one that goes on must neither repeat a row nor leave one out.

W&B's client writes a `.wandb` file of records in the format of LevelDB's log: blocks of 32 KiB, and in them pieces of
records, each behind its checksum, length and kind.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

from atelier.files import replacing
from atelier.record import table
from atelier.run_folder import METRICS

FILE_HEADER = 7
BLOCK = 32768
PIECE = struct.Struct("<IHB")  # checksum, length, kind
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def last_step(folder: Path, identity: str) -> int:
    """The last step in the files that the W&B run of this identity has left in a run folder, -1 where there is none.

    They are mended: where a kill left a file unfinished, `wandb sync` stops and sends none of those that follow. It is
    cut off after its last whole record; a file that does not even say of which run it is becomes `*.wandb.unreadable`.
    """
    files = (folder / "wandb").glob(f"*run-*-{identity}*/run-{identity}.wandb")
    return max((_mend(file) for file in files), default=-1)


def missed(folder: Path, after: int, until: int) -> list[dict[str, float]]:
    """The rows of a run's `metrics.csv` that come after one step, to another one inclusive."""
    record = folder / METRICS
    rows = table.read(record) if record.exists() else []
    return [row for row in rows if after < row["step"] <= until]


def _mend(file: Path) -> int:
    """The last step of a file, of which only the whole records are left."""
    content = file.read_bytes()
    end, begun, step = FILE_HEADER, False, -1
    for end, whole in _records(content):  # noqa: B007  # the last end is what the file is cut to
        record = Record.FromString(whole)
        begun = begun or record.HasField("run")
        step = record.history.step.num if record.HasField("history") else step
    if not begun:
        file.rename(file.with_name(f"{file.name}.unreadable"))
    elif end < len(content):
        with replacing(file) as partial:
            partial.write_bytes(content[:end])
    return step


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The whole records before the first damage, and where each ends."""
    position, parts = FILE_HEADER, b""
    while position + PIECE.size <= len(content):
        room = BLOCK - position % BLOCK
        if room < PIECE.size:  # what is left of a block is padding
            position += room
            continue
        checksum, length, kind = PIECE.unpack_from(content, position)
        start, position = position + PIECE.size, position + PIECE.size + length
        piece = content[start:position]
        if len(piece) < length or checksum != zlib.crc32(bytes([kind]) + piece):
            return
        parts = piece if kind in (WHOLE, FIRST) else parts + piece
        if kind in (WHOLE, LAST):
            yield position, parts
