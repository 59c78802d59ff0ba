"""Shards as files: which there are, and how pictures lie in one.

<root>/
    index.json                         what the shards hold, in the order of their pictures; written last
    rows-<build>-<digest>.npz          per picture: digest of its pixels, held out or not, class in every label column
    pictures-<build>-00000.parquet     pixels and labels of some hundreds or thousands of pictures

Pixels are stored without loss. Each row of a picture is kept as its difference to the row above, which leaves little to
say where neighbours are alike, and Parquet's zstd does the rest: at 256 px as small as PNG, and read several times
faster (docs/decisions.md).
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from atelier.data.cache import Column
from atelier.data.fingerprint import digest_of

LAYOUT = 1
"""Raised whenever the files change their meaning: other shards are refused."""

INDEX = "index.json"


class DamagedShard(Exception):  # noqa: N818  # what was found, always caught and told in other words
    """These bytes are not what was written; the text says why, in a few words."""


class Shard(NamedTuple):
    name: str
    pictures: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """What is known of shards without opening one."""

    image_size: int
    fingerprint: str
    """That of the same pictures in a pixel cache, in the order of their source."""
    classes: dict[str, list[str]]
    """The classes' names, by label column."""
    rows: str
    rows_sha256: str
    shards: list[Shard]
    about: dict[str, Any] = field(default_factory=dict)
    """For people: what the shards were made from, when, and which pictures were broken."""

    @cached_property
    def starts(self) -> np.ndarray:
        """int64 (shards + 1,): the number of each shard's first picture, and of all pictures."""
        return np.cumsum([0, *(shard.pictures for shard in self.shards)])

    @property
    def picture_bytes(self) -> int:
        return self.image_size**2 * 3

    @cached_property
    def key(self) -> str:
        """32 hex digits that name the pixels in the shards, wherever they lie."""
        return digest_of([str(LAYOUT), str(self.image_size), *(shard.sha256 for shard in self.shards)])

    def text(self) -> str:
        content = asdict(self) | {"layout": LAYOUT, "shards": [shard._asdict() for shard in self.shards]}
        return json.dumps(content, indent=1)

    @classmethod
    def of(cls, text: bytes) -> "Index":
        """Raises DamagedShard."""
        try:
            content = json.loads(text)
            if (layout := content.pop("layout")) != LAYOUT:
                raise DamagedShard(f"of layout {layout}, and this version reads {LAYOUT}: make the shards anew")
            shards = [Shard(**shard) for shard in content.pop("shards")]
            return cls(**content, shards=shards)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedShard(f"no index of shards ({error})") from error


class Rows(NamedTuple):
    """What is known of all pictures, in the order of the shards."""

    digests: np.ndarray
    """uint8 (N, 16), equal where the pixels are equal."""
    held_out: np.ndarray
    """bool (N,), the collection's own validation pictures."""
    columns: dict[str, Column]

    @classmethod
    def of(cls, data: bytes, index: Index) -> "Rows":
        """Raises DamagedShard."""
        refuse_other(data, index.rows_sha256)
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            columns = {name: Column(tuple(names), stored[f"label.{name}"]) for name, names in index.classes.items()}
            return cls(stored["digests"], stored["held_out"], columns)


def encode(pixels: np.ndarray, labels: dict[str, list[str]]) -> bytes:
    """A Parquet file of pictures, uint8 (n, size, size, 3), with the classes' names of each, by label column."""
    import pyarrow as pa
    from pyarrow import parquet

    differences = np.diff(pixels, axis=1, prepend=np.uint8(0))
    stored = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(pixels[0].size), len(pixels), [None, pa.py_buffer(np.ascontiguousarray(differences))]
    )
    table = pa.table({"pixels": stored, **{name: pa.array(values, pa.string()) for name, values in labels.items()}})
    size = str(pixels.shape[1])
    table = table.replace_schema_metadata({"atelier": json.dumps({"size": size, "pixels": "differences of rows"})})
    out = io.BytesIO()
    parquet.write_table(
        table, out, compression="zstd", compression_level=3, use_dictionary=[*labels], row_group_size=len(pixels)
    )
    return out.getvalue()


def decode(data: bytes, shard: Shard, size: int) -> np.ndarray:
    """uint8 (pictures, size, size, 3). Raises DamagedShard for any bytes but those that were written."""
    refuse_other(data, shard.sha256)
    import pyarrow as pa
    from pyarrow import parquet

    column = parquet.read_table(pa.BufferReader(data), columns=["pixels"], use_threads=False)["pixels"]
    stored = column.combine_chunks()
    if isinstance(stored, pa.ChunkedArray):
        stored = stored.chunk(0)
    pixels = np.frombuffer(stored.buffers()[1], np.uint8).reshape(shard.pictures, size, size, 3).copy()
    for row in range(1, size):  # wraps around, as the differences did
        pixels[:, row] += pixels[:, row - 1]
    return pixels


def refuse_other(data: bytes, sha256: str) -> None:
    """Raises DamagedShard."""
    if not data:
        raise DamagedShard("empty")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedShard(f"{len(data):,} bytes whose checksum is another")
