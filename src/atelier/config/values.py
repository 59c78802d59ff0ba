"""A composed config as plain values: interpolations followed, and each that leads nowhere told."""

import re
from collections.abc import Iterator
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException

from atelier.wording import did_you_mean, first_line, item, join

UNKNOWN = object()  # stands where a value is missing or cannot be resolved: that is one fault, not two
_REFERENCE = re.compile(r"\$\{(\w[\w.\[\]]*)\}")

_OF_GANS = "this model wants the loss of a GAN, such as loss=hinge, and not one of style transfer"
_OF_THE_OTHER_KIND = {
    "loss.objective": _OF_GANS,
    "loss.penalties": _OF_GANS,
    "loss.style_distance": "this model wants the loss of a style transfer, such as loss=gram, and not one of a GAN",
}
"""What a missing key of `loss` means."""


class Values:
    """`tree`: the values, `UNKNOWN` where there is none. `faults`: for each key that has no value, the reason."""

    def __init__(self, cfg: DictConfig) -> None:
        self.faults: dict[str, str] = {}
        self._cfg = cfg
        self._written: Any = OmegaConf.to_container(cfg, resolve=False)
        self._references = {key: found[1] for key, text in _leaves(self._written) if (found := _reference(text))}
        self.tree: dict[str, Any] = self._read(self._written, "")

    def home(self, key: str) -> str:
        """The key at which a value is written, and where it can be mended: `${…}` followed to its end."""
        met = {key}
        while key in self._references and self._references[key] not in met:  # a circle has no end: its fault is told
            key = self._references[key]
            met.add(key)
        return key

    def _read(self, written: Any, key: str) -> Any:
        if isinstance(written, dict):
            return {name: self._read(child, join(key, str(name))) for name, child in written.items()}
        if isinstance(written, list):
            return [self._read(child, item(key, index)) for index, child in enumerate(written)]
        if written == "???":
            self.faults[key] = f"required, but not given; add {key}=…"
            return UNKNOWN
        return self._follow(written, key) if isinstance(written, str) and "${" in written else written

    def _follow(self, written: str, key: str) -> Any:
        try:
            found = OmegaConf.select(self._cfg, key)
        except InterpolationToMissingValueError:  # told where it is missing
            return UNKNOWN
        except OmegaConfBaseException as error:
            if "${hydra:" not in written or HydraConfig.initialized():  # only a Hydra run knows those
                self.faults[key] = self._reason(written, error)
            return UNKNOWN
        if OmegaConf.is_config(found):
            return self._read(OmegaConf.to_container(found, resolve=False), self.home(key))
        return found

    def _reason(self, written: str, error: Exception) -> str:
        missing = re.match(r"Interpolation key '(.*)' not found", str(error))
        if not missing:
            return f"{written}: {first_line(error)}"
        if missing[1] in _OF_THE_OTHER_KIND:
            return _OF_THE_OTHER_KIND[missing[1]]
        return f"{written}: there is no key {missing[1]!r}{did_you_mean(missing[1], _keys(self._written))}"


def _reference(text: Any) -> re.Match[str] | None:
    return _REFERENCE.fullmatch(text) if isinstance(text, str) else None


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(child, join(key, str(name)))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _leaves(child, item(key, index))
    else:
        yield key, value


def _keys(tree: Any) -> Iterator[str]:
    """The keys of all leaves, and of all that hold them."""
    for key, _ in _leaves(tree):
        parts = key.split(".")
        yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
