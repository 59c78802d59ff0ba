"""Ways of stylising by the names that `atelier stylize` has for them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from atelier import encoders, run, weights
from atelier.cli.devices import device
from atelier.config.wording import did_you_mean, listed
from atelier.encoders import Encoder
from atelier.errors import UserError
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram
from atelier.networks.slim import LEVELS, SlimDecoder
from atelier.networks.transforms.wct import WCT
from atelier.run_folder import CONFIG, facts
from atelier.stylize.feed_forward import FeedForwardStyles
from atelier.stylize.gatys import PixelSearch
from atelier.stylize.levels import Levels
from atelier.stylize.method import Method
from atelier.tasks.arbitrary import ArbitraryStyle
from atelier.tasks.feed_forward import FeedForwardStyle
from atelier.tasks.level import Level
from atelier.tasks.objective import Objective
from atelier.tasks.wct import Wct

STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STEPS, SCALES, STYLE_WEIGHT, VARIATION_WEIGHT = 300, 3, 100.0, 0.02


class Settings(NamedTuple):
    """What the command line says of the method itself."""

    memory: int
    encoder: str | None = None
    weights: Path | None = None
    steps: int | None = None
    checkpoint: Path | None = None
    told: Callable[..., None] = lambda *_: None
    """Called after each step of a method that has steps."""


class Chosen(NamedTuple):
    method: Method
    note: dict[str, Any]
    """What a picture's record says of it."""
    learned: Sequence[str] | None = None
    """Names of the styles that it has learned, where it takes no others."""
    steps: int = 1
    """To one picture."""


def method_of(name: str, settings: Settings) -> Chosen:
    """Raises UserError for what is none, and for weights that are not at hand."""
    if name in _BY_NAME:
        return _BY_NAME[name](settings)
    if not (Path(name) / CONFIG).is_file():
        raise UserError(f"METHOD: must be one of {listed(_BY_NAME)} or a run folder, got {name!r}{_guess(name)}")
    return _of_run(Path(name), settings)


def _gatys(settings: Settings) -> Chosen:
    encoder = _encoder(settings)
    encoder.fetch()
    objective = Objective(
        encoder,
        ContentDistance(),
        Gram(),
        content={"relu4_2": 1.0},
        style={tap: 1 / len(STYLE_TAPS) for tap in STYLE_TAPS},
        style_weight=STYLE_WEIGHT,
        variation_weight=VARIATION_WEIGHT,
    ).to(device())
    optimizer = partial(torch.optim.LBFGS, max_iter=1, history_size=20, line_search_fn="strong_wolfe")
    steps = settings.steps or STEPS
    method = PixelSearch(objective, optimizer, steps, SCALES, settings.memory, told=settings.told)
    return Chosen(method, {"encoder": encoder.name, "steps": steps}, steps=steps)


def _wct(settings: Settings) -> Chosen:
    if settings.encoder not in (None, "vgg19_slim"):
        raise UserError("--encoder: wct has trained decoders for vgg19_slim alone; `model=wct` trains others")
    path = encoders.slim_path(None if settings.weights is None else str(settings.weights))
    levels = []
    for level in reversed(LEVELS):
        encoder = encoders.vgg19_slim(str(path) if settings.weights else None, level)
        encoder.fetch()
        transform = WCT(f"relu{level}_1")
        levels.append(Level(encoder, transform, SlimDecoder.pretrained(path, level)).to(device()))
    return Chosen(Levels("wct", levels, settings.memory), {"encoder": "vgg19_slim"})


def _of_run(path: Path, settings: Settings) -> Chosen:
    task, cfg, content = run.load(path, settings.checkpoint, settings.weights)
    note = {"run": "/".join(path.absolute().parts[-2:]), "step": content["global_step"]}
    task = task.to(device())
    if isinstance(task, ArbitraryStyle | Wct):
        task.encoder.fetch()  # type: ignore[attr-defined]  # those of configs do
        levels: Any = task.levels
        return Chosen(Levels(path.name, [*levels], settings.memory), note)
    if isinstance(task, FeedForwardStyle):
        names = facts(path).get("classes") or [_style_of(cfg)]
        return Chosen(
            FeedForwardStyles(path.name, task.network.to(memory_format=torch.channels_last), settings.memory),
            note,
            names,
        )
    raise UserError(
        f"METHOD: {path} is the run of a {type(task).__name__}, which gives no picture the style of another"
    )


def _encoder(settings: Settings) -> Encoder:
    """The one that is asked for, or the best whose weights are at hand."""
    own = None if settings.weights is None else str(settings.weights)
    name = settings.encoder or _at_hand(own)
    if name not in _ENCODERS:
        raise UserError(f"--encoder: must be one of {listed(_ENCODERS)}, got {name!r}{did_you_mean(name, _ENCODERS)}")
    return _ENCODERS[name](own)


def _at_hand(own: str | None) -> str:
    if own is not None:
        return "vgg19"
    if weights.path_of("vgg19").is_file():
        return "vgg19"
    return "vgg19_slim" if encoders.slim_path(None).is_file() else "embedded"


def _embedded(own: str | None) -> Encoder:
    if own is not None:
        raise UserError("--weights: the embedded encoder has its own; --encoder says whose these are")
    return encoders.embedded()


def _normalised(own: str | None) -> Encoder:
    if own is None:
        raise UserError("--weights: must be the path of vgg_normalised.pth for --encoder vgg19_normalised")
    return encoders.vgg19_normalised(own)


def _style_of(cfg: Any) -> str:
    return Path(str(cfg.data.get("style", "style"))).stem


def _guess(name: str) -> str:
    if Path(name).is_dir():
        return ", a folder without config.yaml"
    return did_you_mean(name, _BY_NAME)


_ENCODERS: dict[str, Callable[[str | None], Encoder]] = {
    "embedded": _embedded,
    "vgg19": encoders.vgg19,
    "vgg19_normalised": _normalised,
    "vgg19_slim": encoders.vgg19_slim,
}

_BY_NAME: dict[str, Callable[[Settings], Chosen]] = {"gatys": _gatys, "wct": _wct}
