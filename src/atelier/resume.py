"""`resume=RUN`: the command line of a run that goes on is the one of its own recipe."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from atelier import command_line, exchange
from atelier.errors import UserError
from atelier.files import real
from atelier.run_folder import EXCHANGEABLE, RECIPE, RECORD, facts, written
from atelier.sweeps import ledger
from atelier.sweeps.names import quote
from atelier.whereabouts import elsewhere

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

FOLDERS = ("run_dir", "hydra.run.dir")
"""Keys that say where a run's folder is, of which one that goes on has one already."""


def arguments(given: list[str], conf: Path) -> list[str]:
    """Arguments for Hydra; other than the given ones only where `resume=RUN` is among them.

    The run's recipe takes the place of `conf/`, and overrides of single keys apply to it
    (`resume=RUN trainer.max_steps=20000`); `trainer=ddp` and the like say on which devices it goes on, and the groups
    of `exchange` may be other ones. Paths that lead somewhere only from the folder where the run was started are
    overridden by whole ones. Raises UserError where RUN is no run folder, where another folder is named, or where any
    other group (`model=…`) differs from what the run was made of. Where RUN is a sweep's folder, the sweep goes on.
    """
    resume = command_line.resumed(given)
    if resume is None:
        return given
    if ledger.is_sweep(Path(resume)):
        return ledger.arguments(Path(resume), given)
    if command_line.is_multirun(given):
        raise UserError("resume: goes on with one run; leave -m out")
    run = run_folder(Path(resume))
    _refuse_another_folder(given, run)
    record = facts(run)
    choices = record["choices"]
    exchanged = [word for word in given if word.partition("=")[0] in EXCHANGEABLE]
    recipe: Any = OmegaConf.to_container(written(run, RECIPE))
    others = [word for word in given if _name(word) not in ("resume", *FOLDERS) and word not in exchanged]
    where = ["--config-path", str(run.absolute()), "--config-name", RECIPE.removesuffix(".yaml")]
    return [
        *where,
        *_whole_paths(recipe, record),
        *DEVICES.get(command_line.value("trainer", given) or "", []),
        *(override for word in exchanged for override in exchange.overrides(word, recipe, conf, choices)),
        *(word for word in others if not _repeats(word, choices, run)),
        f"resume={quote(resume)}",
        f"hydra.run.dir={quote(str(run))}",
        "hydra.output_subdir=null",
    ]


def run_folder(resume: Path) -> Path:
    """The run folder that `resume` is, or that the checkpoint `resume` lies in."""
    run = resume.parent.parent if resume.suffix == ".ckpt" else resume
    if absent := [name for name in (RECIPE, RECORD) if not (run / name).is_file()]:
        raise UserError(f"resume: {run} is no run folder: it has no {absent[0]}")
    if resume.suffix == ".ckpt" and not resume.is_file():
        raise UserError(f"resume: no such checkpoint: {resume}")
    return run


def _whole_paths(recipe: Any, record: Mapping[str, Any]) -> Iterator[str]:
    """Overrides for the paths that lead somewhere only from where the run was started; in lists Hydra has none."""
    for found in elsewhere(recipe, record):
        if "[" not in found.key:
            yield f"{found.key}={quote(found.path)}"


def _refuse_another_folder(given: list[str], run: Path) -> None:
    for word in given:
        folder = command_line.value(_name(word), [word.lstrip("+")]) if _name(word) in FOLDERS else None
        if folder and real(Path(folder)) != real(run):
            raise UserError(f"{word}: a run goes on in its own folder, {run}; leave {_name(word)} out")


def _name(word: str) -> str:
    return word.lstrip("+").partition("=")[0]


def _repeats(word: str, choices: dict[str, str], run: Path) -> bool:
    group, _, option = word.partition("=")
    if group == "trainer" and option in DEVICES:
        return True
    if group not in choices:
        return False
    if option != choices[group]:
        raise UserError(f"{word}: {run} is a run of {group}={choices[group]}; start a new run for {word}")
    return True
