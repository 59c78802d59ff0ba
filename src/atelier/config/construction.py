"""The one place where config nodes become objects."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from atelier.config.targets import TargetError, inspect_target
from atelier.errors import ConfigError, UserError
from atelier.wording import first_line, join


def build(node: Any, key: str = "", **extra: Any) -> Any:
    """The object that a node describes, or list or dict of objects; None for null.

    `key` is the node's full key, for messages. `extra` are arguments that no config can hold; they go to the node's own
    target, whatever their type, untouched.

    Raises ConfigError for a value that a constructor refuses (with ValueError or UserError). Any other failure is a bug
    and comes as it was raised.
    """
    try:
        return _instantiate(node, extra)
    except OmegaConfBaseException:
        raise
    except (InstantiationException, ValueError, UserError) as error:
        failure = _failure(error, node, key)
    raise failure  # out here, so that a bug's traceback does not tell of Hydra's wrapper


def finish(make: Callable[..., Any], node: Any, key: str, *arguments: Any) -> Any:
    """Call what a node with `_partial_` became. Raises ConfigError as `build` does."""
    try:
        return make(*arguments)
    except (ValueError, UserError) as error:
        raise ConfigError([_fault(str(error), node, key)]) from error


def _instantiate(node: Any, extra: Mapping[str, Any]) -> Any:
    if OmegaConf.is_config(node):
        # Hydra resolves what it builds, and with it, in the config itself, all that `${…}` leads to: a run's recipe
        # would no longer say that a schedule is as long as the run.
        node = OmegaConf.create(OmegaConf.to_container(node, resolve=True), flags={"allow_objects": True})
    if not extra:
        return instantiate(node, _convert_="all")
    # As keyword arguments of `instantiate` they would be merged into the config: lists refused, dataclasses converted.
    return instantiate(node, _convert_="all", _partial_=True)(**extra)


def _failure(error: Exception, node: Any, key: str) -> Exception:
    cause = error.__cause__ if isinstance(error, InstantiationException) else error
    if isinstance(cause, ConfigError) or (cause is not None and not isinstance(cause, ValueError | UserError)):
        return cause  # type: ignore[return-value]  # Hydra wraps no BaseException
    whole = node if OmegaConf.is_config(node) else OmegaConf.create(node, flags={"allow_objects": True})
    place = _place(error, whole, key)
    text = first_line(error) if cause is None else str(cause)
    fault = ConfigError([_fault(text, _part(whole, place), join(key, place))])
    fault.__cause__ = cause
    return fault


def _place(error: Exception, whole: Any, key: str) -> str:
    """Where in a node a constructor failed: Hydra's last line is the key, full if the node knows its own."""
    found = re.search(r"\nfull_key: (\S+)$", str(error)) if isinstance(error, InstantiationException) else None
    place = found[1].removeprefix(key).lstrip(".") if found else ""
    # OmegaConf writes the second element of `list` as `list1` where the element is a container.
    return place if _part(whole, place) is not None else re.sub(r"(\d+)(?=\.|$)", r"[\1]", place)


def _part(whole: Any, place: str) -> Any:
    return OmegaConf.select(whole, place) if place else whole


def _fault(text: str, node: Any, key: str) -> str:
    """`root: no such folder` and `fit must be …` name an argument of the target: it belongs to the key."""
    named = re.match(r"(\w+)(?:: | (?=must be ))", text)
    if named and named[1] in _argument_names(node):
        return f"{join(key, named[1])}: {text[named.end() :]}"
    return f"{key}: {text}" if key else text


def _argument_names(node: Any) -> set[str]:
    try:
        return set(inspect_target(node["_target_"]).arguments)
    except (TargetError, KeyError, TypeError):
        return set()
