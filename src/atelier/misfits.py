"""What a task and the data of a config cannot do together, which no constructor of either can know."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from omegaconf import DictConfig
from torch import Tensor

from atelier.callbacks.health.pictures import LEAST
from atelier.callbacks.protocols import Judge, Painter, Sampler, Stylizer, Translator
from atelier.data.degraded import Degraded
from atelier.data.endless import EndlessData
from atelier.errors import ConfigError
from atelier.networks.players import Discriminator


def refuse_unfit(cfg: DictConfig, task: Any, data: EndlessData) -> None:
    """Raise ConfigError where the task cannot do what the data asks of it."""
    _refuse_damage_of_pairs(cfg, data)
    if isinstance(task, Sampler):
        _refuse_other_shape(task, data)
    faults = [
        *_seam_faults(cfg, task),
        *_watcher_faults(cfg, task),
        *_health_faults(cfg, data),
        *_painter_faults(cfg, task, data),
        *_side_faults(cfg, task, data),
        *_style_faults(task, data),
        *_translation_faults(task, data),
    ]
    if faults:
        raise ConfigError(faults)


def _refuse_damage_of_pairs(cfg: DictConfig, data: EndlessData) -> None:
    """The model would be built for damage that nobody does."""
    damage = cfg.get("degradation") or {}  # runs begun before there was any have none
    if damage.get("chain") and not isinstance(data, Degraded):
        raise ConfigError(["degradation: befalls the pictures of data=degraded alone: degradation=none"])


def _seam_faults(cfg: DictConfig, task: Any) -> Iterator[str]:
    if cfg.seamless and not getattr(task, "seamless", False):
        yield "seamless: this model draws nothing that tiles: seamless=false"


def _watcher_faults(cfg: DictConfig, task: Any) -> Iterator[str]:
    """What looks on asks of the task what only some can."""
    if cfg.health and not isinstance(task, Judge):
        yield "health: knows generators of latents, and this model is none: health=none"
    fitting = [group for group, (_, protocol) in _GRIDS.items() if isinstance(task, protocol)]
    for name, protocol in _GRIDS.values():
        if cfg.callbacks.get(name) and not isinstance(task, protocol):
            yield f"callbacks.{name}: is of other models: callbacks={' or callbacks='.join(fitting or ['default'])}"


def _health_faults(cfg: DictConfig, data: EndlessData) -> Iterator[str]:
    held_out, acts = len(data.validation_pixels), cfg.health.get("on_collapse", "warn") if cfg.health else "warn"
    if acts != "warn" and held_out < LEAST:
        yield (
            f"health.on_collapse: {acts} needs {LEAST} held-out pictures to see a collapse, and there are {held_out}: "
            "raise data.validation, or health.on_collapse=warn"
        )


_GRIDS: dict[str, tuple[str, type]] = {
    "default": ("samples", Sampler),
    "style": ("stylised", Stylizer),
    "translation": ("translated", Translator),
}
"""By `callbacks=`: its grid, and the models that have something to show in it."""


def _painter_faults(cfg: DictConfig, task: Any, data: EndlessData) -> Iterator[str]:
    if not isinstance(task, Painter):
        return
    if data.batch_size != 1:
        yield f"data.batch_size: must be 1 for a model that paints one picture, got {data.batch_size}"
    if cfg.trainer.max_steps < 1:  # -1 is Lightning's for no end
        yield f"trainer.max_steps: must be 1 or more for a model whose scales share them, got {cfg.trainer.max_steps}"


def _side_faults(cfg: DictConfig, task: Any, data: EndlessData) -> Iterator[str]:
    """Decoders draw as much as was encoded only of whole multiples, and a single place has no variance."""
    multiple: int | None = getattr(task, "multiple", None)
    if multiple is None:
        return
    pair: Any = _one(data)
    sides = [*pair.content.shape[2:], *pair.style.shape[2:]]
    if all(side % multiple == 0 and side >= 2 * multiple for side in sides):
        return
    wanted = f"a multiple of {multiple}, at least {2 * multiple}"
    if {*sides} == {cfg.data.get("image_size")}:
        yield f"data.image_size: must be {wanted}, for this model's encoder and decoder, got {sides[0]}"
    else:
        yield f"data: this model needs data=content_style, or pictures of which each side is {wanted}, got {sides}"


def _style_faults(task: Any, data: Any) -> Iterator[str]:
    learned: int | None = getattr(task, "learned_styles", None)
    if learned is None:
        return
    if not hasattr(data, "style_count"):
        yield "data: this model needs data=content_style, whose styles it learns by heart"
    elif data.style_count != learned:
        yield (
            f"data.style: has {data.style_count} pictures, but this model learns {learned} by heart; name one picture, "
            "or try model=multi_style data.label=picture"
        )


def _translation_faults(task: Any, data: EndlessData) -> Iterator[str]:
    """Generators take only sides that they can halve, and discriminators compare what is equally large."""
    translators: Any = getattr(task, "translators", None)
    if translators is None:
        return
    batch: Any = _one(data)
    network = next(iter(translators.values()))
    content, target = (picture.shape[2:] for picture in batch[:2])
    if (drawn := content[0] * network.scale) != target[0]:  # no image_size would mend that
        yield f"model.generator: draws pictures of {drawn} pixels, but the data's targets have {target[0]}"
    elif any(side % network.multiple or side < network.least for side in content):
        wanted = f"a multiple of {network.multiple}, at least {network.least}"
        yield f"data.image_size: contents must be {wanted}, for this model's generator, got {content[0]}"
    elif (pooled := getattr(task, "image_size", content[0])) != content[0]:
        yield f"model.image_size: must be data.image_size ({content[0]}), got {pooled}"
    elif (least := _smallest_judged(task)) > min(target):
        yield f"data.image_size: must be at least {least}, for this model's discriminator, got {min(target)}"


def _smallest_judged(task: Any) -> int:
    return max((part.least for part in task.modules() if isinstance(part, Discriminator)), default=0)


def _refuse_other_shape(task: Sampler, data: EndlessData) -> None:
    real: Any = _one(data)  # Images, which the task takes
    shape = f"{_shape(real.image)} (channels x height x width)"
    if (drawn := _shape(task.sample(1))) != _shape(real.image):
        raise ConfigError([f"model.generator: draws {drawn}, but the data is {shape}"])
    if isinstance(task, Judge) and (refusal := _refusal(task, real)):
        raise ConfigError([f"model.discriminator: cannot judge the data, which is {shape}: {refusal}"])


def _refusal(task: Any, real: Any) -> str | None:
    """What torch says of a discriminator that cannot judge such pictures. In evaluation, which leaves it as it was."""
    try:
        task.eval().logits(real)
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    finally:
        task.train()
    return None


def _one(data: EndlessData) -> Any:
    """A batch of one, of whatever the data gives."""
    return data.train_pixels.batch(np.zeros(1, int), np.zeros(1, bool))


def _shape(images: Tensor) -> str:
    return " x ".join(map(str, images.shape[1:]))
