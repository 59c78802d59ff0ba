"""Constructors know which values and combinations they accept: they are asked, at no cost, before the run begins."""

from collections.abc import Iterator
from typing import Any

from atelier.config.construction import build
from atelier.config.targets import is_node
from atelier.config.values import Values
from atelier.config.wording import item, join
from atelier.errors import ConfigError


def rehearse(values: Values, names: Iterator[str]) -> list[str]:
    """The faults of the parts of a config called `names`, built on the meta device: no memory, no arithmetic, no randomness."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return [fault for name in names for fault in _refusals(values.tree.get(name), values.home(name), values)]


def _refusals(value: Any, key: str, values: Values) -> list[str]:
    """From the innermost nodes outwards, so that every one that refuses is heard, once."""
    key = values.home(key)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    faults = [
        fault
        for name, child in children
        for fault in _refusals(child, item(key, name) if isinstance(value, list) else join(key, str(name)), values)
    ]
    return faults or (_refusal(value, key) if is_node(value) else [])


def _refusal(node: dict[str, Any], key: str) -> list[str]:
    try:
        build(node, key)
    except ConfigError as error:
        return error.faults
    except Exception:  # a bug, or something that the meta device cannot do: building in earnest will tell
        return []
    return []
