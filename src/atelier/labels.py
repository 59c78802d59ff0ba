"""How many classes the labels have: the networks need to know, and only the prepared data does."""

from collections.abc import Sequence

from omegaconf import DictConfig

from atelier.data.endless import EndlessData
from atelier.errors import ConfigError, UserError
from atelier.wording import listed


def presume(cfg: DictConfig) -> DictConfig:
    """The config with some number of classes where labels are asked for, so that it can be checked before the data is
    prepared.

    Raises ConfigError for classes without labels.
    """
    if cfg.classes is not None and cfg.data.get("label") is None:
        raise ConfigError([f"classes: got {cfg.classes}, but the batches carry no labels: set data.label"])
    return _with(cfg, 2) if cfg.classes is None and cfg.data.get("label") is not None else cfg


def settle(cfg: DictConfig, data: EndlessData) -> DictConfig:
    """The config with the number of classes found in the prepared data.

    Raises ConfigError where a run that goes on, or the user, counts on another number.
    """
    found = len(data.classes) or None
    if cfg.classes not in (None, found):
        raise ConfigError([f"classes: got {cfg.classes}, but data.label={cfg.data.label} has {found}"])
    return _with(cfg, found)


def refuse_others(found: Sequence[str], known: Sequence[str] | None) -> None:
    """Raise UserError where the classes found are not those that a run has learned, which it knows by number alone.

    Runs whose record says nothing of classes know none.
    """
    if not known or [*found] == [*known]:
        return
    gone, new = {*known} - {*found}, {*found} - {*known}
    changes = [f"{listed(gone)} no longer there"] if gone else []
    changes += [f"{listed(new)} new"] if new else []
    raise UserError(
        "data.label: the classes are not those that the run was trained with, and their numbers would mean others: "
        + (", ".join(changes) or "they come in another order")
    )


def _with(cfg: DictConfig, classes: int | None) -> DictConfig:
    cfg = cfg.copy()
    cfg.classes = classes
    return cfg
