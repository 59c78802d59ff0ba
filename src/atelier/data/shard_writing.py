"""Making shards: render, deal out, write; the index comes last, and without it nothing looks whole."""

import hashlib
import io
import logging
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from atelier.data.fingerprint import digest_of, key_of_pixels
from atelier.data.parquet import Parquet
from atelier.data.progress import watched
from atelier.data.remote import Remote
from atelier.data.rendering import Broken, render
from atelier.data.rows import RowsBuilder
from atelier.data.shard_files import INDEX, Index, Shard, encode
from atelier.data.sources import Picture, Rendered, Source
from atelier.errors import UserError

log = logging.getLogger(__name__)

HANDS = 16
"""Pictures are dealt to so many unfinished shards, by the first bits of their digest: pictures whose digests come first
are those held out for validation (`data.split`), and lie in few shards. The collection's own have one more hand."""

_OURS = re.compile(r"pictures-([0-9a-f]{8}-)?\d{5,}\.parquet|rows-([0-9a-f]{8}-)?[0-9a-f]{8}\.npz")
"""Files that a build writes."""


def write_shards(source: Source, size: int, out: Remote, megabytes: float) -> Index:
    """Shards of `source` at size x size, of `megabytes` of pixels each, wholly or not at all.

    Raises UserError where there are shards already or no picture can be used, RunError where they cannot be written.
    """
    _refuse_shards(out)
    _tell_others(out)
    writing = _Writing(out, max(1, int(megabytes * 1e6) // (size * size * 3)))
    try:
        return writing.run(source, size)
    except BaseException:  # Ctrl-C, too: whatever ends it leaves no half collection, and is raised again
        writing.clean()
        raise


def _refuse_shards(out: Remote) -> None:
    if out.exists(INDEX):
        raise UserError(f"OUT: there are shards in {out.root!r} already: remove them, or choose another place")


def _tell_others(out: Remote) -> None:
    """Whether another build died or goes on, nobody here knows: its files stay."""
    if others := [name for name in out.names() if _OURS.fullmatch(name)]:
        log.warning(
            "OUT: %d files of another build lie in %s (%s, ...): unless that one still runs, they can be removed",
            len(others), out.root, min(others),
        )  # fmt: skip


@dataclass
class _Hand:
    """Pictures of an unfinished shard."""

    pixels: list[np.ndarray] = field(default_factory=list)
    labels: list[dict[str, str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """In the order in which they were rendered."""

    def add(self, rendered: Rendered, number: int) -> None:
        self.pixels.append(rendered.pixels)
        self.labels.append(rendered.labels)
        self.numbers.append(number)

    def extend(self, other: "_Hand") -> None:
        self.pixels += other.pixels
        self.labels += other.labels
        self.numbers += other.numbers

    def take(self, count: int) -> "_Hand":
        """The first `count` pictures; they are no longer here."""
        taken = _Hand(self.pixels[:count], self.labels[:count], self.numbers[:count])
        del self.pixels[:count], self.labels[:count], self.numbers[:count]
        return taken


class _Writing:
    """One build. `pictures` is how many a shard has. Its files bear its `token`: another may write beside it."""

    def __init__(self, out: Remote, pictures: int) -> None:
        self.out, self.pictures, self.token = out, pictures, uuid.uuid4().hex[:8]
        self.rows = RowsBuilder()
        self._places: list[int] = []  # of the rendered pictures in their source
        self._hands = [_Hand() for _ in range(HANDS + 1)]
        self._written: list[tuple[int, Shard, list[int]]] = []  # the hand, the shard, its pictures' numbers
        self._named: list[str] = []  # files that there may be
        self._text: bytes | None = None  # of the index

    def run(self, source: Source, size: int) -> Index:
        count = source.count()
        pictures, places = _mixed(source)
        results = watched(render(pictures, count, size), f"writing the shards of {source.name}", count)
        for number, result in enumerate(results):
            if isinstance(result, Broken):
                self.rows.broken.append(result)
            else:
                self._places.append(number if places is None else places[number])
                self._deal(result)
        self.rows.refuse_none("DATA")
        self._finish()
        return self._index(source, size)

    def clean(self) -> None:
        """Remove what was written, unless it is whole: its index may have arrived, whatever was heard of it."""
        out = self.out.impatient()  # whoever failed has waited already
        try:
            if self._text is not None and out.exists(INDEX) and out.read(INDEX) == self._text:
                return
            out.remove(self._named)
        except Exception as error:  # the first failure is what ends the build
            log.warning("OUT: files named *-%s-* are left behind and can be removed (%s)", self.token, error)

    def _deal(self, rendered: Rendered) -> None:
        number = len(self.rows)
        digest = self.rows.add(rendered)
        place = 0 if rendered.held_out else 1 + digest[0] * HANDS // 256
        self._hands[place].add(rendered, number)
        if len(self._hands[place].pixels) == self.pictures:
            self._write(place, self._hands[place].take(self.pictures))

    def _finish(self) -> None:
        """What is left in the hands becomes shards together: a small collection has not sixteen of them."""
        left, first = _Hand(), 0
        for place, hand in enumerate(self._hands):
            first = first if left.pixels else place
            left.extend(hand)
            while len(left.pixels) >= self.pictures:
                self._write(first, left.take(self.pictures))
                first = place
        if left.pixels:
            self._write(first, left)

    def _write(self, place: int, hand: _Hand) -> None:
        columns = sorted({column for labels in hand.labels for column in labels})
        named = {column: [labels.get(column, "") for labels in hand.labels] for column in columns}
        data = encode(np.stack(hand.pixels), named)
        shard = Shard(
            f"pictures-{self.token}-{len(self._written):05d}.parquet",
            len(hand.pixels), len(data), hashlib.sha256(data).hexdigest(),
        )  # fmt: skip
        self._written.append((place, shard, hand.numbers))
        self._put(shard.name, data)

    def _put(self, name: str, data: bytes) -> None:
        self._named.append(name)
        self.out.write(name, data)

    def _index(self, source: Source, size: int) -> Index:
        self._written.sort(key=lambda written: written[0])
        order = np.concatenate([numbers for _, _, numbers in self._written])
        classes, arrays = self.rows.arrays()
        kept = {name: array[order] for name, array in arrays.items()}
        packed = io.BytesIO()
        np.savez(packed, **kept)
        sha256 = hashlib.sha256(packed.getvalue()).hexdigest()
        rows = f"rows-{self.token}-{sha256[:8]}.npz"
        self._put(rows, packed.getvalue())
        index = Index(
            image_size=size,
            fingerprint=key_of_pixels(size, arrays["digests"][np.argsort(self._places)]),
            classes=classes,
            rows=rows,
            rows_sha256=sha256,
            shards=[shard for _, shard, _ in self._written],
            about={
                "source": {"name": source.name, **source.about()},
                "created": time.strftime("%Y-%m-%d %H:%M:%S"),
                "broken": [broken._asdict() for broken in self.rows.broken],
            },
        )
        _refuse_shards(self.out)  # of another build, which was faster
        self._text = index.text().encode()
        self.out.write(INDEX, self._text)
        self.rows.tell_broken(source.name, self.out.address(INDEX))
        return index


def _mixed(source: Source) -> tuple[Iterator[Picture], Sequence[int] | None]:
    """The pictures in an order by chance, and where each is in the source; None where they keep the source's.

    Those of a class lie together in folders, and a shard should have some of each. Rows of a parquet file hold their
    pictures, which no memory would take in: they come as they are.
    """
    if isinstance(source, Parquet):
        return source.pictures(), None
    pictures = [*source.pictures()]
    order = sorted(range(len(pictures)), key=lambda place: digest_of([pictures[place].name]))
    return (pictures[place] for place in order), order
