"""What Hydra would not compose, in one line.

Hydra says it in paragraphs, names no near miss, and keeps most of what would help in the exception's attributes.
"""

import re
from collections.abc import Iterable
from inspect import getmembers, getmodule, isfunction
from pathlib import Path
from types import ModuleType
from typing import Any

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError

from atelier.config.targets import TargetError, inspect_target, locate
from atelier.wording import did_you_mean, first_line, listed, no_such_option


def explain(error: Exception) -> str:
    """One line for what Hydra, OmegaConf or PyYAML raised while a config was composed."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _missing_option(error, error.missing_cfg_file)
    if isinstance(error, OverrideParseException):
        return _not_an_override(error.override)
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"{error.problem_mark.name}, line {error.problem_mark.line + 1}: {error.problem}"
    unknown = error if _is_unknown_key(error) else error.__cause__
    if isinstance(unknown, OmegaConfBaseException) and _is_unknown_key(unknown):
        return _unknown_key(error, unknown)
    deleted = re.match(r"Could not delete from config. '(.*)' does not exist", str(error))
    if deleted:
        return f"~{deleted[1]}: no such key"
    line = first_line(error)
    if several := re.match(r"Ambiguous value for argument '(.*)'$", line):
        return _several_values(several[1])
    if swept := re.match(r"Sweep parameters '(.*)' requires --multirun$", line):
        return f"{swept[1]}: several values are a sweep, which -m makes of them"
    key = getattr(error, "full_key", None)
    return f"{key}: {line}" if key else line


def _missing_option(error: MissingConfigException, path: str) -> str:
    group, _, name = path.removesuffix(".yaml").rpartition("/")
    # A list of options (`logger=[wandb,…]`) is refused without naming the choices.
    options = error.options or _options(str(error), group)
    asking = re.match(r"In '([^']+/[^']+)'", str(error))  # another option's defaults, not the command line
    source = f", for which conf/{asking[1]}.yaml asks" if asking else ""
    return no_such_option(group or "config", name, options, source)


def _not_an_override(override: str) -> str:
    key, equals, value = override.partition("=")
    example = f"""'{key}="{value}"'""" if equals and value else "key=value"
    return f"{override}: not a valid override; write {example}"


def _several_values(override: str) -> str:
    key, _, values = override.partition("=")
    return (
        f"{override}: several values are a sweep, which -m makes of them; "
        f"""one value is '{key}=[{values}]' (a list) or '{key}="{values}"' (a text)"""
    )


def _options(message: str, group: str) -> list[str]:
    folders = re.findall(r"path=file://(.+)$", message, flags=re.MULTILINE)
    return sorted({file.stem for folder in folders for file in (Path(folder) / group).glob("*.yaml")})


def _is_unknown_key(error: BaseException | None) -> bool:
    return isinstance(error, ConfigAttributeError | ConfigKeyError) and "is not in struct" in str(error)


def _unknown_key(error: Exception, unknown: OmegaConfBaseException) -> str:
    """The siblings of a key that does not exist are in the exception; the key as the user gave it is in the text."""
    parent, name = unknown.parent_node, str(unknown.key)
    siblings = [str(sibling) for sibling in parent] if isinstance(parent, Iterable) else []
    given = re.match(r"Could not override '(.*)'", str(error))
    key = given[1] if given else str(unknown.full_key or name)
    if taker := _taker(parent, name):
        return f"{key}: is not in the config, but {taker} takes it: +{key}=…"
    hint = did_you_mean(name, siblings) or _among(siblings) or _of_kin(parent, name)
    return f"{_until(key, name)}: no such key{hint}"


def _taker(parent: Any, name: str) -> str | None:
    """The class that a node describes, where it has an argument of that name."""
    try:
        target = parent["_target_"]
        return target.rpartition(".")[2] if name in inspect_target(target).arguments else None
    except (KeyError, TypeError, TargetError, OmegaConfBaseException):
        return None


def _of_kin(parent: Any, name: str) -> str:
    """`; vgg19 takes it, embedded does not`, where a node names one of a module's functions that give the same."""
    try:
        own, module = inspect_target(parent["_target_"]), getmodule(locate(parent["_target_"]))
        kin = [inspect_target(f"{maker.__module__}.{maker.__name__}") for maker in _makers(module)]
    except (KeyError, TypeError, TargetError, OmegaConfBaseException):
        return ""
    takers = [target.name for target in kin if own.product is target.product and name in target.arguments]
    verb = "takes" if len(takers) == 1 else "take"
    return f"; {listed(takers)} {verb} it, {own.name} does not" if takers and own.product else ""


def _makers(module: ModuleType | None) -> list[Any]:
    """The functions that a module has of its own, for everybody."""
    return [
        maker
        for name, maker in getmembers(module, isfunction)
        if module and maker.__module__ == module.__name__ and maker.__name__ == name and not name.startswith("_")
    ]


def _until(key: str, name: str) -> str:
    """The beginning of `key` that ends with `name`: `daat` of `daat.root`, whose first part is what is wrong."""
    parts = key.split(".")
    return ".".join(parts[: parts.index(name) + 1]) if name in parts else key


def _among(siblings: Iterable[str]) -> str:
    known = [sibling for sibling in siblings if not sibling.startswith("_") and sibling != "hydra"]
    return f"; there are {listed(known)}" if known else ""
