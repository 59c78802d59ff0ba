"""`resume=RUN`: the command line of a run that goes on is the one of its own recipe; `resume=auto`: if there is one."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from atelier import command_line, exchange
from atelier.errors import UserError
from atelier.run_folder import EXCHANGEABLE, RECIPE, RECORD, facts, has_checkpoint
from atelier.sweeps import ledger
from atelier.sweeps.names import quote
from atelier.wording import show

log = logging.getLogger(__name__)

IN_TURNS = "++trainer.strategy={_target_: atelier.distributed.turns.InTurns}"
DEVICES = {
    "default": ["++trainer.strategy=auto", "trainer.devices=1", "++trainer.num_nodes=1"],
    "ddp": [IN_TURNS, "trainer.devices=auto", "++trainer.num_nodes=1"],
    "torchrun": [
        *(IN_TURNS, 'trainer.devices="${oc.decode:${oc.env:LOCAL_WORLD_SIZE,1}}"'),
        '++trainer.num_nodes="${oc.decode:${oc.env:GROUP_WORLD_SIZE,1}}"',
    ],
    "slurm": [
        *(IN_TURNS, 'trainer.devices="${oc.decode:${oc.env:SLURM_NTASKS_PER_NODE,1}}"'),
        '++trainer.num_nodes="${oc.decode:${oc.env:SLURM_NNODES,1}}"',
    ],
}
"""What the options of `trainer` say of devices, which is all that they change of a run that goes on."""


ELSEWHERE = ("resume", "run_dir", "trainer", "trainer.devices", "trainer.strategy", "trainer.num_nodes")


def arguments(given: list[str], conf: Path) -> list[str]:
    """Arguments for Hydra; other than the given ones only where `resume=RUN` is among them.

    The run's recipe takes the place of `conf/`, and overrides of single keys apply to it
    (`resume=RUN trainer.max_steps=20000`); `trainer=ddp` and the like say on which devices it goes on, and the groups
    of `exchange` may be other ones. Raises UserError where RUN is no run folder, or where any other group (`model=…`)
    differs from what the run was made of. Where RUN is a sweep's folder, the sweep goes on.
    """
    resume = command_line.resumed(given)
    if resume is None:
        return given
    if ledger.is_sweep(Path(resume)):
        return ledger.arguments(Path(resume), given)
    if command_line.is_multirun(given):
        raise UserError("resume: goes on with one run; leave -m out")
    run = run_folder(Path(resume))
    choices = json.loads((run / RECORD).read_text())["choices"]
    exchanged = [word for word in given if word.partition("=")[0] in EXCHANGEABLE]
    recipe: Any = OmegaConf.to_container(OmegaConf.load(run / RECIPE))
    others = [word for word in given if not word.startswith("resume=") and word not in exchanged]
    where = ["--config-path", str(run.absolute()), "--config-name", RECIPE.removesuffix(".yaml")]
    return [
        *where,
        *DEVICES.get(command_line.value("trainer", given) or "", []),
        *(override for word in exchanged for override in exchange.overrides(word, recipe, conf)),
        *(word for word in others if not _repeats(word, choices, run)),
        f"resume={quote(resume)}",
        f"hydra.run.dir={quote(str(run))}",
        "hydra.output_subdir=null",
    ]


def going_on(cfg: DictConfig, run: Path, words: Sequence[str]) -> DictConfig:
    """The config of a run whose folder may have something to go on from: then it is the recipe in there.

    `words` are the overrides that made `cfg`; of those that the recipe contradicts one line is told.
    """
    if not has_checkpoint(run) or not (run / RECIPE).is_file():
        cfg = cfg.copy()
        cfg.resume = None
        return cfg
    recipe = OmegaConf.load(run / RECIPE)
    assert isinstance(recipe, DictConfig)
    if left := [*_contradicted(words, cfg, recipe, facts(run).get("choices", {}))]:
        told = "resume=auto goes on by the run's own recipe, not with %s; resume=%s KEY=VALUE changes keys of a run"
        log.warning(told, ", ".join(left), run)
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
        key = override.key_or_group
        asked, had = (override.value(), choices[key]) if key in choices else (_value(cfg, key), _value(recipe, key))
        if asked != had and key not in ELSEWHERE:
            yield f"{override.input_line} (it has {show(had)})"


def _value(cfg: DictConfig, key: str) -> Any:
    found = OmegaConf.select(cfg, key)
    return OmegaConf.to_container(found) if OmegaConf.is_config(found) else found


def _devices(cfg: DictConfig) -> dict[str, Any]:
    """Which are no matter of the recipe, but of where it is carried out."""
    asked: Any = OmegaConf.to_container(cfg.trainer, resolve=False)
    return {"strategy": "auto", "num_nodes": 1} | {
        key: asked[key] for key in ("strategy", "devices", "num_nodes") if key in asked
    }


def run_folder(resume: Path) -> Path:
    """The run folder that `resume` is, or that the checkpoint `resume` lies in."""
    run = resume.parent.parent if resume.suffix == ".ckpt" else resume
    if not (run / RECIPE).is_file() or not (run / RECORD).is_file():
        raise UserError(f"resume: {run} is no run folder: it has no {RECIPE}")
    if resume.suffix == ".ckpt" and not resume.is_file():
        raise UserError(f"resume: no such checkpoint: {resume}")
    return run


def _repeats(word: str, choices: dict[str, str], run: Path) -> bool:
    group, _, option = word.partition("=")
    if group == "trainer" and option in DEVICES:
        return True
    if group not in choices:
        return False
    if option != choices[group]:
        raise UserError(f"{word}: {run} is a run of {group}={choices[group]}; start a new run for {word}")
    return True
