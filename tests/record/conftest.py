"""Reading back what Weights & Biases would receive, from the file that an offline run leaves."""

import json
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BLOCK = 32768
HEADER = struct.Struct("<IHB")  # checksum, length, type: the log format of LevelDB
FILE_HEADER = 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class Artifact:
    aliases: list[str]
    metadata: dict[str, Any]
    path: Path


@dataclass
class Received:
    identity: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    exit_code: int | None = None

    @property
    def steps(self) -> list[int]:
        return [row["_step"] for row in self.rows]


@pytest.fixture
def nobody_logged_in(monkeypatch, tmp_path):
    """No account, whoever runs the tests; and nothing outside the test's own folder."""
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    home = tmp_path / "wandb-home"
    home.mkdir()
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_DIR"):
        monkeypatch.setenv(name, str(home))


@pytest.fixture
def received() -> Callable[[Path], list[Received]]:
    """What the offline runs of a run folder hold, in the order in which they began."""

    import wandb

    def read(run: Path) -> list[Received]:
        wandb.teardown()  # `finish` may return before its service has written the last of the file
        return [_read(path) for path in sorted(run.glob("wandb/offline-run-*/*.wandb"))]

    return read


def _read(path: Path) -> Received:
    from wandb.proto import wandb_internal_pb2

    found = Received()
    for content in _records(path.read_bytes()):
        record = wandb_internal_pb2.Record.FromString(content)
        if record.HasField("run"):
            found.identity, found.name = record.run.run_id, record.run.display_name
            found.group, found.job_type, found.tags = record.run.run_group, record.run.job_type, [*record.run.tags]
            found.config |= {_key(item): json.loads(item.value_json) for item in record.run.config.update}
        if record.HasField("config"):
            found.config |= {_key(item): json.loads(item.value_json) for item in record.config.update}
        if record.HasField("history"):
            found.rows.append({_key(item): json.loads(item.value_json) for item in record.history.item})
        if record.HasField("artifact"):
            sent = record.artifact
            path = Path(sent.manifest.contents[0].local_path)
            found.artifacts.append(Artifact([*sent.aliases], json.loads(sent.metadata), path))
        if record.HasField("exit"):
            found.exit_code = record.exit.exit_code
    return found


def _key(item: Any) -> str:
    return item.key or ".".join(item.nested_key)


def _records(content: bytes) -> Iterator[bytes]:
    position, parts = FILE_HEADER, b""
    while position + HEADER.size <= len(content):
        room = BLOCK - position % BLOCK
        if room < HEADER.size:  # the rest of a block that has no room for a header is padding
            position += room
            continue
        _, length, kind = HEADER.unpack_from(content, position)
        start = position + HEADER.size
        parts = (b"" if kind in (FULL, FIRST) else parts) + content[start : start + length]
        position = start + length
        if kind in (FULL, LAST):
            yield parts
