"""Ways of stylising by the names that `atelier stylize` has for them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from atelier import encoders, run
from atelier.cli.contents import joined_names
from atelier.cli.devices import device
from atelier.cli.digests import DIGEST, digest
from atelier.cli.encoder_choice import ready, refuse_absent
from atelier.cli.pixel_search import gatys
from atelier.cli.settings import Chosen, Settings
from atelier.errors import UserError
from atelier.networks import state
from atelier.networks.slim import LEVELS, SlimDecoder
from atelier.networks.transforms.wct import WCT
from atelier.run_folder import CONFIG, config, facts, title
from atelier.stylize.feed_forward import FeedForwardStyles
from atelier.stylize.levels import Levels
from atelier.tasks.arbitrary import ArbitraryStyle
from atelier.tasks.feed_forward import FeedForwardStyle
from atelier.tasks.level import Level
from atelier.tasks.wct import Wct
from atelier.wording import did_you_mean, listed

OF_GATYS = ("steps", "distance", "style_weight", "variation_weight")


def method_of(name: str, settings: Settings) -> Chosen:
    """Raises UserError for what is none, and for weights that are not at hand."""
    if name not in _BY_NAME and not (Path(name) / CONFIG).is_file():
        raise UserError(f"METHOD: must be one of {listed(_BY_NAME)} or a run folder, got {name!r}{_guess(name)}")
    _refuse_unused(name, settings)
    if settings.weights is not None and not settings.weights.is_file():
        raise UserError(f"--weights: no such file: {str(settings.weights)!r}")
    chosen = _chosen(name, settings)
    return chosen._replace(note={**chosen.note, DIGEST: digest(chosen.method.modules)})


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


def _wct(settings: Settings) -> Chosen:
    if settings.encoder not in (None, "vgg19_slim"):
        raise UserError("--encoder: wct has trained decoders for vgg19_slim alone; `model=wct` trains others")
    path = encoders.slim_path(None if settings.weights is None else str(settings.weights))
    refuse_absent(path)
    levels = []
    for level in reversed(LEVELS):
        encoder = ready(encoders.vgg19_slim(str(path) if settings.weights else None, level))
        transform = WCT(f"relu{level}_1")
        levels.append(Level(encoder, transform, SlimDecoder.pretrained(path, level)).to(device()))
    return Chosen(Levels("wct", levels, settings.memory), {"encoder": "vgg19_slim"})


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
        ready(task.encoder)
        levels: Any = task.levels
        return Chosen(Levels(path.absolute().name, [*levels], settings.memory), note)
    if isinstance(task, FeedForwardStyle):
        names = joined_names(facts(path).get("classes") or [_style_of(cfg)])
        network = task.network.to(memory_format=torch.channels_last)
        return Chosen(FeedForwardStyles(path.absolute().name, network, settings.memory), note, names)
    raise UserError(f"METHOD: {path} is a run of {type(task).__name__}, which gives no picture the style of another")


def _refuse_unused(name: str, settings: Settings) -> None:
    """What a method knows nothing of would be left out of account without a word."""
    heeded = {"gatys": {"encoder", "weights", *OF_GATYS}, "wct": {"encoder", "weights"}}
    for option in ("encoder", "weights", "checkpoint", *OF_GATYS):
        if getattr(settings, option) is not None and option not in heeded.get(name, {"weights", "checkpoint"}):
            raise UserError(f"--{option.replace('_', '-')}: is nothing that {name} could heed")


def _style_of(cfg: Any) -> str:
    style = cfg.data.get("style")
    return Path(style).stem if isinstance(style, str) else "style"


def _guess(name: str) -> str:
    if Path(name).is_dir():
        return ", a folder without config.yaml"
    return did_you_mean(name, _BY_NAME)


_BY_NAME: dict[str, Callable[[Settings], Chosen]] = {"gatys": gatys, "wct": _wct}
