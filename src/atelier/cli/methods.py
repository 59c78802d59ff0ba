"""Ways of stylising by the names that `atelier stylize` has for them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from atelier import encoders, run, weights
from atelier.cli.contents import joined_names
from atelier.cli.devices import device
from atelier.cli.digests import digest
from atelier.encoders import Encoder
from atelier.errors import UserError
from atelier.losses.content import ContentDistance
from atelier.losses.style import Gram
from atelier.networks import state
from atelier.networks.slim import LEVELS, SlimDecoder
from atelier.networks.transforms.wct import WCT
from atelier.run_folder import CONFIG, config, facts, title
from atelier.stylize.feed_forward import FeedForwardStyles
from atelier.stylize.gatys import PixelSearch
from atelier.stylize.levels import Levels
from atelier.stylize.method import Method
from atelier.tasks.arbitrary import ArbitraryStyle
from atelier.tasks.feed_forward import FeedForwardStyle
from atelier.tasks.level import Level
from atelier.tasks.objective import Objective
from atelier.tasks.wct import Wct
from atelier.wording import did_you_mean, listed

STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STEPS, STYLE_WEIGHT, VARIATION_WEIGHT = 300, 100.0, 0.02
HISTORY = 20
"""Steps that L-BFGS remembers: two gradients' worth each, beside some ten that it works with."""

EMBEDDED = "embedded"
EMBEDDED_INSTEAD = f"; --encoder {EMBEDDED} needs none"

WEIGHTS = "weights_sha256"
"""In the note: by which weights a picture was made, for two files, or two runs, may be of one name."""


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
    steps: int = 0
    """To one picture, each of which is told; 0: it is done in one go."""


def method_of(name: str, settings: Settings) -> Chosen:
    """Raises UserError for what is none, and for weights that are not at hand."""
    if name not in _BY_NAME and not (Path(name) / CONFIG).is_file():
        raise UserError(f"METHOD: must be one of {listed(_BY_NAME)} or a run folder, got {name!r}{_guess(name)}")
    _refuse_unused(name, settings)
    if settings.weights is not None and not settings.weights.is_file():
        raise UserError(f"--weights: no such file: {str(settings.weights)!r}")
    chosen = _chosen(name, settings)
    return chosen._replace(note={**chosen.note, WEIGHTS: digest(chosen.method)})


def _chosen(name: str, settings: Settings) -> Chosen:
    make = _BY_NAME.get(name, partial(_of_run, Path(name)))
    try:
        return make(settings)
    except (ValueError, UserError) as error:
        file = settings.weights
        if file is None or str(error).startswith("--"):
            raise
        whose = "; --encoder says whose weights they are" if name == "gatys" and settings.encoder is None else ""
        if not _is_of_weights(file):  # of which loaders say more than a user can do anything with
            raise UserError(f"--weights: {str(file)!r} is no file of weights, or a damaged one{whose}") from error
        if name in _BY_NAME:  # then they are another network's
            raise UserError(f"--weights: {error}{whose}") from error
        raise


def _is_of_weights(file: Path) -> bool:
    try:
        state.read(file)
    except ValueError:
        return False
    return True


def _gatys(settings: Settings) -> Chosen:
    encoder = _encoder(settings)
    try:
        encoder = _ready(encoder)
    except UserError as error:
        if settings.weights is not None:
            raise
        raise UserError(f"--encoder: {error}{EMBEDDED_INSTEAD}") from error  # of a download that failed
    objective = Objective(
        encoder,
        ContentDistance(),
        Gram(),
        content={"relu4_2": 1.0},
        style={tap: 1 / len(STYLE_TAPS) for tap in STYLE_TAPS},
        style_weight=STYLE_WEIGHT,
        variation_weight=VARIATION_WEIGHT,
    ).to(device())
    optimizer = partial(torch.optim.LBFGS, max_iter=1, max_eval=25, history_size=HISTORY, line_search_fn="strong_wolfe")
    steps = settings.steps or STEPS
    method = PixelSearch(objective, optimizer, steps, None, settings.memory, kept=2 * HISTORY + 10, told=settings.told)
    return Chosen(method, {"encoder": encoder.name, "steps": steps}, steps=steps)


def _wct(settings: Settings) -> Chosen:
    if settings.encoder not in (None, "vgg19_slim"):
        raise UserError("--encoder: wct has trained decoders for vgg19_slim alone; `model=wct` trains others")
    path = encoders.slim_path(None if settings.weights is None else str(settings.weights))
    _refuse_absent(path)
    levels = []
    for level in reversed(LEVELS):
        encoder = _ready(encoders.vgg19_slim(str(path) if settings.weights else None, level))
        transform = WCT(f"relu{level}_1")
        levels.append(Level(encoder, transform, SlimDecoder.pretrained(path, level)).to(device()))
    return Chosen(Levels("wct", levels, settings.memory), {"encoder": "vgg19_slim"})


def _refuse_absent(path: Path, instead: str = "") -> None:
    """Raise UserError where there is no file of the distilled VGG-19."""
    if not path.is_file():
        raise UserError(
            f"--weights: must be the path of {encoders.SLIM_FILE} (of Collaborative Distillation), or that file must "
            f"be in {path.parent}{instead}"
        )


def gone_weights(run: Path) -> str | None:
    """The file of a run's encoder, where it is no longer where it was."""
    if not (run / CONFIG).is_file():
        return None
    encoder = config(run).get("encoder") or {}
    file = encoder.get("weights")
    return file if file is not None and not Path(file).exists() else None


def _of_run(path: Path, settings: Settings) -> Chosen:
    if settings.weights is None and (gone := gone_weights(path)):
        raise UserError(
            f"--weights: must say where the encoder's file is now; the run had it at {gone!r}: no such file"
        )
    task, cfg, content = run.load(path, settings.checkpoint, settings.weights)
    note = {"run": title(path), "step": content["global_step"]}
    task = task.to(device())
    if isinstance(task, ArbitraryStyle | Wct):
        _ready(task.encoder)
        levels: Any = task.levels
        return Chosen(Levels(path.absolute().name, [*levels], settings.memory), note)
    if isinstance(task, FeedForwardStyle):
        names = joined_names(facts(path).get("classes") or [_style_of(cfg)])
        network = task.network.to(memory_format=torch.channels_last)
        return Chosen(FeedForwardStyles(path.absolute().name, network, settings.memory), note, names)
    raise UserError(f"METHOD: {path} is a run of {type(task).__name__}, which gives no picture the style of another")


def _ready(encoder: Any) -> Any:
    """An encoder whose weights are at hand and its own, which it would else be known only after the first picture."""
    encoder.fetch()
    encoder.to(device())
    encoder.taps(torch.zeros(1, 3, 16, 16, device=device()), [next(iter(encoder.widths))])
    return encoder


def _refuse_unused(name: str, settings: Settings) -> None:
    """What a method knows nothing of would be left out of account without a word."""
    heeded = {"gatys": {"encoder", "weights", "steps"}, "wct": {"encoder", "weights"}}
    for option in ("encoder", "weights", "steps", "checkpoint"):
        if getattr(settings, option) is not None and option not in heeded.get(name, {"weights", "checkpoint"}):
            raise UserError(f"--{option}: is nothing that {name} could heed")


def _encoder(settings: Settings) -> Encoder:
    """The one that is asked for, or the best whose weights are at hand."""
    own = None if settings.weights is None else str(settings.weights)
    name = settings.encoder or _at_hand(own)
    if name not in _ENCODERS:
        raise UserError(f"--encoder: must be one of {listed(_ENCODERS)}, got {name!r}{did_you_mean(name, _ENCODERS)}")
    return _ENCODERS[name](own)


def _slim(own: str | None) -> Encoder:
    _refuse_absent(encoders.slim_path(own), EMBEDDED_INSTEAD)
    return encoders.vgg19_slim(own)


def _at_hand(own: str | None) -> str:
    if own is not None:
        return "vgg19"
    if weights.path_of("vgg19").is_file():
        return "vgg19"
    return "vgg19_slim" if encoders.slim_path(None).is_file() else EMBEDDED


def _embedded(own: str | None) -> Encoder:
    if own is not None:
        raise UserError("--weights: the embedded encoder has its own; --encoder says whose these are")
    return encoders.embedded()


def _normalised(own: str | None) -> Encoder:
    if own is None:
        raise UserError("--weights: must be the path of vgg_normalised.pth for --encoder vgg19_normalised")
    return encoders.vgg19_normalised(own)


def _style_of(cfg: Any) -> str:
    style = cfg.data.get("style")
    return Path(style).stem if isinstance(style, str) else "style"


def _guess(name: str) -> str:
    if Path(name).is_dir():
        return ", a folder without config.yaml"
    return did_you_mean(name, _BY_NAME)


_ENCODERS: dict[str, Callable[[str | None], Encoder]] = {
    EMBEDDED: _embedded,
    "vgg19": encoders.vgg19,
    "vgg19_normalised": _normalised,
    "vgg19_slim": _slim,
}

_BY_NAME: dict[str, Callable[[Settings], Chosen]] = {"gatys": _gatys, "wct": _wct}
