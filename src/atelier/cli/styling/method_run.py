"""`atelier stylize RUN`: what a run has learned of stylising."""

from pathlib import Path
from typing import Any

import torch

from atelier import run
from atelier.cli.devices import device
from atelier.cli.pictures.contents import joined_names
from atelier.cli.styling.encoder_choice import ready
from atelier.cli.styling.faults import told_of
from atelier.cli.styling.settings import Chosen, Settings
from atelier.errors import UserError
from atelier.run_folder import CONFIG, config, facts, known_as, title
from atelier.stylize.feed_forward import FeedForwardStyles
from atelier.stylize.levels import Levels
from atelier.stylize.method import Method
from atelier.tasks.arbitrary import ArbitraryStyle
from atelier.tasks.feed_forward import FeedForwardStyle
from atelier.tasks.wct import Wct


def of_run(path: Path, settings: Settings) -> Chosen:
    """Raises UserError for a run that stylises nothing, and for files of its that are not at hand or another's."""
    weights = _encoder_file(path, settings)
    with told_of(checkpoint=settings.checkpoint, weights=weights):
        task, cfg, content = run.load(path, settings.checkpoint, settings.weights)
        if isinstance(task, ArbitraryStyle | Wct):
            ready(task.encoder)
    note = {"run": title(path), "step": content["global_step"]}
    task = task.to(device())
    if isinstance(task, ArbitraryStyle | Wct):
        levels: Any = task.levels
        method = Levels(known_as(path).name, [*levels], settings.memory)
        return Chosen(method, note, draws=may_draw(method))
    if isinstance(task, FeedForwardStyle):
        files = facts(path).get("classes")
        names = joined_names(files or [_style_of(cfg).stem])
        network = task.network.to(memory_format=torch.channels_last)
        own = FeedForwardStyles(known_as(path).name, network, settings.memory)
        return Chosen(own, note, names, files or [_style_of(cfg).name], draws=may_draw(own))
    raise UserError(f"METHOD: {path} is a run of {type(task).__name__}, which gives no picture the style of another")


def may_draw(method: Method) -> bool:
    """None of the package's networks draws by chance, nor any of torch's layers but in training; of others nobody
    knows."""
    parts = (part for module in method.modules for part in module.modules())
    return not all(type(part).__module__.startswith(("atelier.", "torch.")) for part in parts)


def gone_encoder_file(path: Path) -> str | None:
    """The file of a run's encoder, where it is no longer where it was."""
    if not (path / CONFIG).is_file():
        return None
    file = _encoder_of(path).get("weights")
    return file if file is not None and not Path(file).exists() else None


def _encoder_file(path: Path, settings: Settings) -> Path | None:
    """Where the weights of a run's encoder are now; None where the run does not say.

    Raises UserError where its file is gone and no other is named, and where one is named that it has no use for.
    """
    if settings.weights is None and (gone := gone_encoder_file(path)):
        raise UserError(
            f"--weights: must say where the encoder's file is now; the run had it at {gone!r}: no such file"
        )
    encoder = _encoder_of(path)
    if settings.weights is not None and "weights" not in encoder:
        raise UserError(f"--weights: {path} looks through no encoder that is read from a file")
    file = settings.weights or encoder.get("weights")
    return None if file is None else Path(file)


def _encoder_of(path: Path) -> Any:
    return config(path).get("encoder") or {}


def _style_of(cfg: Any) -> Path:
    style = cfg.data.get("style")
    return Path(style if isinstance(style, str) else "style")
