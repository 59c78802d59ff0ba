"""Pictures in shards, here or in an object store: as many as one likes, a few of them at hand."""

import logging
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pytorch_lightning.utilities import rank_zero_only

from atelier.data.fingerprint import digest_of
from atelier.data.held_out import HeldOutData
from atelier.data.module import one_of
from atelier.data.remote import MissingFile, Remote, is_local_path
from atelier.data.shard_cache import OnBadShard, ShardCache
from atelier.data.shard_files import INDEX, DamagedShard, Index, Rows
from atelier.data.shard_order import ShardOrder
from atelier.data.streamed_pixels import StreamedPixels, forget_old_marks
from atelier.errors import UserError

log = logging.getLogger(__name__)

AHEAD = 2
"""Shards that are fetched while those before them are in use."""

_SECRETS = {
    *("key", "secret", "token", "password", "account_key", "sas_token", "connection_string"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
}
"""Among the options of fsspec's stores."""


@dataclass(kw_only=True, eq=False)
class StreamedData(HeldOutData):
    """Pictures in shards that `atelier shard` made, in the size they were made in.

    `root` is a folder, or an address that fsspec opens with `storage_options`. Pictures are mixed within `window`
    shards.
    """

    root: str
    window: int = 8
    cache_gigabytes: float = 10.0
    on_bad_shard: OnBadShard = "raise"
    storage_options: dict[str, Any] | None = None

    train_pixels: StreamedPixels = field(init=False, repr=False)
    validation_pixels: StreamedPixels = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("on_bad_shard", self.on_bad_shard, get_args(OnBadShard))
        if self.window < 1:
            raise ValueError(f"window must be at least 1, got {self.window}")
        if self.cache_gigabytes <= 0:
            raise ValueError(f"cache_gigabytes must be above 0, got {self.cache_gigabytes}")
        if is_local_path(self.root) and not Path(self.root).expanduser().is_dir():
            raise ValueError(f"root: no such folder: {self.root!r}")
        if secrets := sorted(_secrets(self.storage_options or {})):
            raise ValueError(
                f"storage_options must hold no secrets, for they are recorded with the run, got {', '.join(secrets)}: "
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (or what the store's library reads) "
                "in the environment instead"
            )

    def find(self) -> None:
        """Read what the shards hold, and none of them. Raises UserError for what does not fit the config."""
        root = str(Path(self.root).expanduser().absolute()) if is_local_path(self.root) else self.root
        remote = Remote(root, self.storage_options)
        index = self._index(remote)
        rows = self._rows(remote, index)
        self.classes, codes = self.labels_among(rows.columns)
        training, held_out = self.divide(rows.digests, rows.held_out)
        cache, token = ShardCache(remote, index, self._budget(index)), _token()
        forget_old_marks(cache.folder)
        self.train_pixels, self.validation_pixels = (
            StreamedPixels(cache, chosen, rows.digests, codes, self.on_bad_shard, token)
            for chosen in (training, held_out)
        )
        self.fingerprint = index.fingerprint
        _tell(index, len(training), len(held_out))

    def stream(self, rank: int, world: int) -> ShardOrder:
        pictures = self.train_pixels.by_shard.tolist()
        return ShardOrder(pictures, self.batch_size, self.seed, rank, world, self.hflip, self.window, AHEAD)

    def _index(self, remote: Remote) -> Index:
        try:
            index = Index.of(remote.read(INDEX))
        except MissingFile as error:
            raise UserError(
                f"data.root: no shards at {self.root!r}: it has no {INDEX} (`atelier shard DATA OUT` makes them)"
            ) from error
        except DamagedShard as damage:
            raise UserError(f"data.root: {remote.address(INDEX)} is damaged: {damage}") from damage
        if index.image_size != self.image_size:
            raise UserError(
                f"data.image_size: the pictures in these shards have {index.image_size} px, got {self.image_size}"
            )
        return index

    def _rows(self, remote: Remote, index: Index) -> Rows:
        try:
            return Rows.of(remote.read(index.rows), index)
        except MissingFile as error:
            raise UserError(f"data.root: {remote.address(index.rows)} is missing") from error
        except DamagedShard as damage:
            raise UserError(f"data.root: {remote.address(index.rows)} is damaged: {damage}") from damage

    def _budget(self, index: Index) -> int:
        """Bytes. What is in use and what comes next must fit, or shards would be fetched again and again."""
        largest = max(shard.pictures for shard in index.shards) * index.picture_bytes + _HEADER
        needed = min(self.window + 1 + AHEAD, len(index.shards)) * largest
        budget = int(self.cache_gigabytes * 1e9)
        if budget < needed:
            least = f"{-(-needed // 10**5) / 10**4:g}"
            raise UserError(
                f"data.cache_gigabytes: must be at least {least} for data.window={self.window} shards of "
                f"{largest / 1e6:,.1f} MB and {1 + AHEAD} more, got {self.cache_gigabytes:g}"
            )
        return budget


_HEADER = 128
"""Bytes before the pixels in a .npy file."""


def _token() -> str:
    """8 hex digits, the same in all processes of a run on this machine, and in none of another run's.

    A launcher of several processes is their parent; torchrun's own id may be "none" in every run.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return digest_of([os.environ["TORCHELASTIC_RUN_ID"], str(os.getppid())])[:8]
    if "SLURM_STEP_ID" in os.environ:
        return digest_of([os.environ[name] for name in ("SLURM_JOB_ID", "SLURM_STEP_ID")])[:8]
    return uuid.uuid4().hex[:8]  # of one process, which hands it to its workers


def _secrets(options: Mapping[str, Any]) -> Iterator[str]:
    """The names of what should not be recorded, at whatever depth."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif name in _SECRETS and value not in (None, "anon"):  # a bucket of Google's that is open to all
            yield name


@rank_zero_only
def _tell(index: Index, training: int, held_out: int) -> None:
    broken = len(index.about.get("broken", []))
    left_out = f"; {broken} are broken and left out" if broken else ""
    text = "%s pictures for training, %s for validation, in %s shards%s"
    log.info(text, f"{training:,}", f"{held_out:,}", f"{len(index.shards):,}", left_out)
