"""`resume=auto`: the same command begins a run the first time, and goes on with it from then on."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from atelier.run_folder import RECIPE, facts, has_checkpoint, written
from atelier.whereabouts import located
from atelier.wording import show

log = logging.getLogger(__name__)

ELSEWHERE = ("resume", "run_dir", "trainer", "trainer.devices", "trainer.strategy", "trainer.num_nodes")


def going_on(cfg: DictConfig, run: Path, words: Sequence[str]) -> DictConfig:
    """The config of a run whose folder may have something to go on from: then it is the recipe in there.

    `words` are the overrides that made `cfg`; of those that the recipe contradicts one line is told.
    """
    if not has_checkpoint(run) or not (run / RECIPE).is_file():
        cfg = cfg.copy()
        cfg.resume = None
        return cfg
    recipe = written(run, RECIPE)
    if left := [*_contradicted(words, cfg, recipe, facts(run).get("choices", {}))]:
        told = "resume=auto goes on by the run's own recipe, not with %s; resume=%s KEY=VALUE changes keys of a run"
        log.warning(told, ", ".join(left), run)
    recipe = located(recipe, facts(run))
    OmegaConf.set_struct(recipe, True)
    recipe.resume, recipe.run_dir = str(run), str(run)
    with open_dict(recipe):
        recipe.trainer.update(_devices(cfg))
    return recipe


def _contradicted(
    words: Sequence[str], cfg: DictConfig, recipe: DictConfig, choices: Mapping[str, str]
) -> Iterator[str]:
    """Words that a recipe does not have, with what it has instead; where it runs is no matter of a recipe."""
    for override in OverridesParser.create().parse_overrides([*words]):
        group, key = override.get_key_element().lstrip("+~"), override.package or override.key_or_group
        asked, had = (override.value(), choices[group]) if group in choices else (_value(cfg, key), _value(recipe, key))
        if asked != had and key not in ELSEWHERE:
            yield f"{override.input_line} (it has {show(had)})"


def _value(cfg: DictConfig, key: str) -> Any:
    found = OmegaConf.select(cfg, key, throw_on_resolution_failure=False)
    return OmegaConf.to_container(found) if OmegaConf.is_config(found) else found


def _devices(cfg: DictConfig) -> dict[str, Any]:
    """The trainer's keys that say where a run is carried out, and so are no part of its recipe."""
    asked: Any = OmegaConf.to_container(cfg.trainer, resolve=False)
    return {"strategy": "auto", "num_nodes": 1} | {
        key: asked[key] for key in ("strategy", "devices", "num_nodes") if key in asked
    }
