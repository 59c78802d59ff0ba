"""Constructors know which values and combinations they accept: they are asked, at no cost, before the run begins."""

from collections.abc import Collection
from typing import Any

from atelier.config.construction import build, finish
from atelier.config.targets import is_node, locate
from atelier.config.values import Values
from atelier.errors import ConfigError
from atelier.wording import item, join


def rehearse(values: Values, names: Collection[str]) -> list[str]:
    """The faults of the parts called `names`, built on the meta device: no memory, no arithmetic, no randomness."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        faults = [fault for name in names for fault in _refusals(values.tree.get(name), values.home(name), values)]
        return faults or (_learning_faults(values) if "model" in names else [])


def _refusals(value: Any, key: str, values: Values) -> list[str]:
    """A whole node is tried first. If it is refused its parts are tried: Hydra stops at the first that refuses."""
    key = values.home(key)
    refusal = _refusal(value, key, values) if is_node(value) else None
    if refusal == []:
        return []
    parts = [fault for name, part in _parts(value, key) for fault in _refusals(part, name, values)]
    return parts or refusal or []


def _parts(value: Any, key: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(join(key, str(name)), part) for name, part in value.items()]
    return [(item(key, index), part) for index, part in enumerate(value)] if isinstance(value, list) else []


def _refusal(node: dict[str, Any], key: str, values: Values) -> list[str]:
    try:
        build(node, key)
    except ConfigError as error:
        return [_at_home(fault, values) for fault in error.faults]
    except Exception:  # a bug, or something that the meta device cannot do: building in earnest will tell
        return []
    return []


def _learning_faults(values: Values) -> list[str]:
    """Of what is made only when there are weights: optimisers, and schedules of their rates."""
    import torch

    nodes = {key: node for key, node in _parts(values.tree.get("model"), "model") if is_node(node)}
    schedule = nodes.pop("model.schedule", None)
    faults: list[str] = []
    for key, node in nodes.items():
        if not _is_optimizer(node):
            continue
        try:
            optimizer = finish(build(node, key), node, key, [torch.nn.Parameter(torch.zeros(1))])
            if schedule is not None:
                finish(build(schedule, "model.schedule"), schedule, "model.schedule", optimizer)
        except ConfigError as error:
            faults += [_at_home(fault, values) for fault in error.faults]
        except Exception:  # as in `_refusal`: building in earnest will tell
            continue
    return faults


def _is_optimizer(node: dict[str, Any]) -> bool:
    """Whether a node is of an optimiser that waits for its weights."""
    from torch.optim import Optimizer

    made = locate(node["_target_"])
    return bool(node.get("_partial_")) and isinstance(made, type) and issubclass(made, Optimizer)


def _at_home(fault: str, values: Values) -> str:
    key, colon, text = fault.partition(": ")
    return f"{values.home(key)}{colon}{text}"
