"""Ways of stylising by the names that `atelier stylize` has for them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from atelier.cli.digests import DIGEST, digest
from atelier.cli.styling.method_gatys import gatys
from atelier.cli.styling.method_run import of_run
from atelier.cli.styling.method_wct import wct
from atelier.cli.styling.settings import Chosen, Settings
from atelier.cli.styling.studies import bytes_told
from atelier.errors import UserError
from atelier.run_folder import CONFIG
from atelier.stylize.artwork import SMALLEST
from atelier.wording import did_you_mean, listed

OF_GATYS = ("steps", "distance", "style_weight", "variation_weight")

OPTIONS = ("encoder", "weights", "checkpoint", *OF_GATYS)
"""Of the settings, those that not all methods heed."""


class Way(NamedTuple):
    make: Callable[[Settings], Chosen]
    heeds: frozenset[str]
    """Of OPTIONS."""


def method_of(name: str, settings: Settings) -> Chosen:
    """Raises UserError for what is none, for weights that are not at hand, and for too little memory for anything."""
    if not is_one(name):
        raise UserError(f"METHOD: must be one of {listed(_BY_NAME)} or a run folder, got {name!r}{_guess(name)}")
    _refuse_unused(name, settings)
    if settings.weights is not None and not settings.weights.is_file():
        raise UserError(f"--weights: no such file: {str(settings.weights)!r}")
    chosen = _way(name).make(settings)
    if (least := chosen.method.needs(SMALLEST, SMALLEST)) > settings.memory:
        raise UserError(
            f"--max-memory: even a picture of {SMALLEST} x {SMALLEST} takes {bytes_told(least)}, "
            f"got {bytes_told(settings.memory)}"
        )
    return chosen._replace(note={**chosen.note, DIGEST: digest(chosen.method.modules)})


def is_one(name: str) -> bool:
    return name in _BY_NAME or (Path(name) / CONFIG).is_file()


def heeded(name: str, settings: Settings) -> Settings:
    """The settings without what a method, or else a run, knows nothing of."""
    unheeded: dict[str, Any] = dict.fromkeys({*OPTIONS} - _way(name).heeds)
    return settings._replace(**unheeded)


def _way(name: str) -> Way:
    return _BY_NAME.get(name) or Way(partial(of_run, Path(name)), frozenset({"weights", "checkpoint"}))


def _refuse_unused(name: str, settings: Settings) -> None:
    """What a method knows nothing of would be left out of account without a word."""
    for option in OPTIONS:
        if getattr(settings, option) is not None and option not in _way(name).heeds:
            raise UserError(f"--{option.replace('_', '-')}: {name} does not take it")


def _guess(name: str) -> str:
    if Path(name).is_dir():
        return ", a folder without config.yaml"
    return did_you_mean(name, _BY_NAME)


_BY_NAME = {
    "gatys": Way(gatys, frozenset({"encoder", "weights", *OF_GATYS})),
    "wct": Way(wct, frozenset({"encoder", "weights"})),
}
