"""The encoder that `atelier stylize` looks through, by the names that it has for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from atelier import encoders, weights
from atelier.cli.devices import device
from atelier.cli.styling.settings import Settings
from atelier.encoders import Encoder
from atelier.errors import UserError
from atelier.wording import did_you_mean, listed

EMBEDDED = "embedded"
EMBEDDED_INSTEAD = f"; --encoder {EMBEDDED} needs none"


def encoder_of(settings: Settings) -> Encoder:
    """The one that is asked for, or the best whose weights are at hand."""
    own = None if settings.weights is None else str(settings.weights)
    name = settings.encoder or _at_hand(own)
    if name not in _ENCODERS:
        raise UserError(f"--encoder: must be one of {listed(_ENCODERS)}, got {name!r}{did_you_mean(name, _ENCODERS)}")
    return _ENCODERS[name](own)


def file_of(encoder: Encoder, settings: Settings) -> Path | None:
    """Where its weights are, or will be once fetched; None where they are the package's own."""
    if settings.weights is not None or encoder.name == EMBEDDED:
        return settings.weights
    return weights.path_of("vgg19") if encoder.name == "vgg19" else encoders.slim_path(None)


def _slim(own: str | None) -> Encoder:
    refuse_absent(encoders.slim_path(own), EMBEDDED_INSTEAD)
    return encoders.vgg19_slim(own)


def _estimated(own: str | None) -> Encoder:
    refuse_absent(encoders.slim_path(own), EMBEDDED_INSTEAD)
    return encoders.vgg19_estimated(own)


def _at_hand(own: str | None) -> str:
    if own is not None:
        return "vgg19"
    if weights.path_of("vgg19").is_file():
        return "vgg19"
    return "vgg19_estimated" if encoders.slim_path(None).is_file() else EMBEDDED


def _embedded(own: str | None) -> Encoder:
    if own is not None:
        raise UserError("--weights: the embedded encoder has its own; --encoder says whose these are")
    return encoders.embedded()


def _normalised(own: str | None) -> Encoder:
    if own is None:
        raise UserError("--weights: must be the path of vgg_normalised.pth for --encoder vgg19_normalised")
    return encoders.vgg19_normalised(own)


def ready(encoder: Any) -> Any:
    """Load the encoder now, so that a missing or foreign file is refused before the first picture."""
    encoder.fetch()
    encoder.to(device())
    encoder.taps(torch.zeros(1, 3, 16, 16, device=device()), [next(iter(encoder.widths))])
    return encoder


def refuse_absent(path: Path, instead: str = "") -> None:
    """Raise UserError where there is no file of the distilled VGG-19."""
    if not path.is_file():
        raise UserError(
            f"--weights: must be the path of {encoders.SLIM_FILE}, or that file must be in {path.parent}; "
            f"{weights.published('vgg19_slim').way}{instead}"
        )


_ENCODERS: dict[str, Callable[[str | None], Encoder]] = {
    EMBEDDED: _embedded,
    "vgg19": encoders.vgg19,
    "vgg19_estimated": _estimated,
    "vgg19_normalised": _normalised,
    "vgg19_slim": _slim,
}
