"""Files and folders that a config names: relative ones are where they were for whoever started the run."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from atelier.wording import item, join

PATHS = ("root", "content", "style", "target", "weights")
"""Names of keys, at any depth, that a path may be the value of: of data, encoders and metrics."""


class Elsewhere(NamedTuple):
    """A path that leads nowhere from here, but does from the folder that the run was started in."""

    key: str
    holder: Any
    name: str
    path: str
    """The whole one, of what is there."""


def located(cfg: DictConfig, record: Mapping[str, Any]) -> DictConfig:
    """The config of the run with this record, its paths such as lead somewhere from here too.

    What neither leads to anything here nor there stays as it is, for whoever reads it to tell.
    """
    content: Any = OmegaConf.to_container(cfg, resolve=False)
    for found in elsewhere(content, record):
        found.holder[found.name] = found.path
    made = OmegaConf.create(content)
    assert isinstance(made, DictConfig)
    return made


def elsewhere(content: Any, record: Mapping[str, Any], key: str = "") -> Iterator[Elsewhere]:
    """In the content of a config, resolved or not. None of runs that did not record their folder."""
    if isinstance(content, list):
        for index, part in enumerate(content):
            yield from elsewhere(part, record, item(key, index))
    if not isinstance(content, dict) or "folder" not in record:
        return
    for name, value in content.items():
        if name in PATHS and isinstance(value, str) and not _is_there(Path(value)):
            path = Path(record["folder"], value)
            if _is_there(path):
                yield Elsewhere(join(key, name), content, name, str(path))
        yield from elsewhere(value, record, join(key, str(name)))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a text that is too long for a path, or what may not be looked at
        return False
