"""Every fault of a config, found before anything is built."""

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict, get_type_hints

from omegaconf import DictConfig

from atelier.config.nodes import Inspection
from atelier.config.rehearsal import rehearse
from atelier.config.targets import TargetError, is_node, locate
from atelier.config.values import Values
from atelier.errors import ConfigError, UserError
from atelier.wording import did_you_mean

REHEARSED = ("data", "model", "metrics", "health", "callbacks", "logger")


GROUPS = (
    *("data", "degradation", "model", "loss", "augment", "schedule", "encoder"),
    *("metrics", "health", "callbacks", "logger", "trainer"),
)


class Root(TypedDict, total=False):
    """The plain values at the top of a config."""

    seed: int
    classes: int | None
    seamless: bool
    compile: bool
    resume: str | None
    retry: str | None
    run_dir: str | None


def check(cfg: DictConfig, rehearsed: Sequence[str] = REHEARSED) -> None:
    """Raise ConfigError with every fault of a composed config, one line each; build nothing that would be kept.

    A sweep of W&B's is no config, and refused as one.

    What signatures and type hints cannot tell is asked of the constructors of the parts called `rehearsed`, once all
    else is well: these must be cheap.
    """
    if "sweep" in cfg:  # presets of our own leave no such key behind
        raise UserError("sweep: sweep=wandb_… is for W&B's own agents: wandb sweep conf/sweep/wandb_….yaml")
    values = Values(cfg)
    found = dict(values.faults)
    for key, text in [*_signature_faults(values), *_batch_fault(values)]:
        found.setdefault(key, text)
    found = found or dict(_unread(values))
    faults = [f"{key}: {text}" for key, text in found.items()]
    faults = faults or list(dict.fromkeys(rehearse(values, rehearsed)))
    if faults:
        raise ConfigError(faults)


def _signature_faults(values: Values) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(Root)
    inspection = Inspection(values)
    for name, value in values.tree.items():
        yield from inspection.faults(value, hints.get(name, Any), name)


def _unread(values: Values) -> Iterator[tuple[str, str]]:
    """Keys at the top that nobody asks for, and of which no value is made."""
    known = [*get_type_hints(Root), *GROUPS]
    for name in values.tree.keys() - {*known}:
        if not values.refers_to(name):
            yield name, f"nothing reads this key{did_you_mean(name, known) or _below(values.tree, name)}"


def _below(tree: dict[str, Any], name: str) -> str:
    """`; there is x.name`, where a group has the key that was looked for at the top."""
    holders = [group for group in GROUPS if isinstance(tree.get(group), dict) and name in tree[group]]
    return "; there is " + " and ".join(f"{group}.{name}" for group in holders) if holders else ""


def _batch_fault(values: Values) -> Iterator[tuple[str, str]]:
    """What the data module yields must be what the task takes."""
    data, task = (_located(values.tree.get(name)) for name in ("data", "model"))
    given, taken = getattr(data, "batch", None), getattr(task, "batch", None)
    if isinstance(given, type) and isinstance(taken, type) and not issubclass(given, taken):
        yield (
            "data",
            f"gives {given.__name__}, but {task.__name__} takes {taken.__name__}; choose other data, or another model",
        )


def _located(node: Any) -> Any:
    try:
        return locate(node["_target_"]) if is_node(node) else None
    except TargetError:
        return None
