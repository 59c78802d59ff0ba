"""Config groups that may be exchanged when a run goes on: how its learning rates fall, and who else records it.

Neither is part of what was learned. A schedule is a function of the step alone, so another one goes on from the same
step; a record that begins late is given what is in `metrics.csv`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from atelier.errors import UserError
from atelier.sweeps.names import quote
from atelier.wording import no_such_option


def overrides(word: str, recipe: Mapping[str, Any], conf: Path, choices: Mapping[str, str]) -> list[str]:
    """What `schedule=…` or `logger=…` says of a run whose recipe takes the place of `conf`; `choices` are its options.

    Where the run has that already, nothing, so that keys which were given to it one by one stay. Raises UserError for
    an option that `conf` does not have.
    """
    (override,) = OverridesParser.create().parse_overrides([word])
    if override.is_sweep_override():
        raise UserError(f"{word}: a run goes on with one of them; several loggers are logger=[…,…]")
    asked: Any = override.value()
    if override.key_or_group == "logger":
        return _loggers(asked if isinstance(asked, list) else [asked] if asked else [], recipe["logger"], conf)
    return _schedule(asked, choices.get("schedule"), conf)


def _schedule(asked: Any, had: str | None, conf: Path) -> list[str]:
    """By name alone: two schedules may have the same keys."""
    option = _option(conf, "schedule", asked)
    return [] if asked == had else ["~schedule", *_set("schedule", option)]


def _loggers(asked: list[str], had: Mapping[str, Any], conf: Path) -> list[str]:
    gone = [f"~logger.{name}" for name in had if name not in asked]
    new = [word for name in asked if name not in had for word in _set("logger", _option(conf, "logger", name))]
    return [*gone, *new]


def _option(conf: Path, group: str, name: object) -> Any:
    options = {path.stem: path for path in (conf / group).glob("*.yaml")}
    if str(name) not in options:
        raise UserError(no_such_option(group, str(name), options))
    # shipped ones have neither defaults nor a package of their own, which only Hydra would heed
    return OmegaConf.to_container(OmegaConf.load(options[str(name)]), resolve=False)


def _set(key: str, value: Any) -> Iterator[str]:
    """Overrides that add a value to a config, key by key."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _set(f"{key}.{name}", part)
    else:
        yield f"+{key}={quote(value) if isinstance(value, str) else json.dumps(value)}"
