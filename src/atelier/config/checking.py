"""Every fault of a config, found before anything is built."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict, get_type_hints

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

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
    faults = [f"{key}: {text}" for key, text in found.items()]
    faults = faults or list(dict.fromkeys(rehearse(values, rehearsed)))
    if faults:
        raise ConfigError(faults)


def _signature_faults(values: Values) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(Root)
    inspection = Inspection(values)
    for name, value in values.tree.items():
        yield from inspection.faults(value, hints.get(name, Any), name)


def refuse_unread(cfg: DictConfig) -> None:
    """Raise ConfigError for keys at the top of a composed config that nobody asks for, and of which no value is made.

    Once interpolations are resolved, as in a run's `config.yaml`, it cannot be told any more.
    """
    known = [*get_type_hints(Root), *GROUPS]
    written = OmegaConf.to_yaml(cfg) + (OmegaConf.to_yaml(HydraConfig.get()) if HydraConfig.initialized() else "")
    made_of = "\n".join(re.findall(r"\$\{[^}]*\}", written))
    unread = [
        name
        for name in map(str, cfg)
        if name not in known and not re.search(rf"((?<![\w.])|\.\.){re.escape(name)}\b", made_of)
    ]
    if unread:
        raise ConfigError(
            [f"{name}: nothing reads this key{did_you_mean(name, known) or _below(cfg, name)}" for name in unread]
        )


def _below(cfg: DictConfig, name: str) -> str:
    """`; there is x.name`, where a group has the key that was looked for at the top."""
    holders = [group for group in GROUPS if isinstance(cfg.get(group), DictConfig) and name in cfg[group]]
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
