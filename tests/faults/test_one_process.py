"""Whatever hits a run at whatever moment: the run that goes on from there ends as one that nothing happened to."""

import os
import shutil
import sys
from functools import partial
from signal import SIGINT, SIGTERM

import pytest
from blows import KILL, NO_SPACE, NO_SPACE_FROM_NOW_ON, NO_SPACE_IN_A_ROW, TERM, TORN_ROW, USR1, stopped
from omegaconf import OmegaConf
from same_run import same_run

from atelier import checkpoints
from atelier.errors import UserError
from atelier.failures import MISUSED
from atelier.record import table
from atelier.run import fit
from atelier.run_folder import facts
from faults import STEPS, Fault, ends_well, live, suffer

CHECKPOINT, RECORD, GRID = (f"atelier.{module}:replacing" for module in ("checkpoints", "files", "record.grids"))
CSV, ROW = "atelier.record.csv:replacing", "atelier.record.csv:CsvRecord._put"
NAME, NAMING = "atelier.callbacks.checkpoints:_link", "atelier.callbacks.checkpoints:replacing"
STEP, GENERATORS_TURN = "atelier.callbacks.reseed:Reseed.on_train_batch_start", "atelier.tasks.gan:Gan.generator_loss"
VALIDATION = "atelier.callbacks.record:Record.on_validation_start"
SCORED, DRAWN = "atelier.metrics.scoring:Scores.update", "atelier.callbacks.samples:SampleGrid.draw"
NOTE, END = "atelier.run_folder:RunFolder.note", "atelier.run:Fitting.end"
CARD, PREPARED = "atelier.callbacks.scoring:Scoring.card", "atelier.callbacks.scores:ScoreSamples.prepare"
FORGOTTEN = "atelier.run_folder:RunFolder._forget_samples"
TAKEN_UP = "atelier.checkpoints:WholeCheckpoints.load_checkpoint"

QUICK = {
    "kill -9 with half a checkpoint written": Fault(KILL, CHECKPOINT, 2, "half"),
    "kill -9 between previous and last": Fault(KILL, NAME, 2, "after"),
    "kill -9 between last and best": Fault(KILL, NAME, 5),
    "SIGTERM twice with half a checkpoint written": Fault(stopped(SIGTERM, 2), CHECKPOINT, 2, "half"),
    "a disk that is full from a checkpoint on": Fault(NO_SPACE_FROM_NOW_ON, CHECKPOINT, 2, "empty"),
    "a disk that is full from a row on": Fault(NO_SPACE_IN_A_ROW, ROW, 6),
    "a row that was torn by kill -9": Fault(TORN_ROW, ROW, 12, "after"),
    "kill -9 while the record gets more columns": Fault(KILL, CSV, 2, "half"),
    "kill -9 between the players' turns": Fault(KILL, GENERATORS_TURN, 5),
    "SIGUSR1 between the players' turns": Fault(USR1, GENERATORS_TURN, 5),
    "SIGTERM while the first grid is drawn": Fault(TERM, DRAWN, 1),
}

MORE = {
    "kill -9 with half the first checkpoint written": Fault(KILL, CHECKPOINT, 1, "half"),
    "kill -9 within the scores": Fault(KILL, SCORED, 2),
    "kill -9 while run.json says that it is over": Fault(KILL, RECORD, 1, "half", since=END),
    "no space for half a checkpoint": Fault(NO_SPACE, CHECKPOINT, 2, "half"),
    "kill -9 before the first byte of a checkpoint": Fault(KILL, CHECKPOINT, 2, "empty"),
    "kill -9 before a checkpoint is renamed": Fault(KILL, CHECKPOINT, 2, "written"),
    "kill -9 after a checkpoint is renamed": Fault(KILL, CHECKPOINT, 2, "renamed"),
    "kill -9 before previous is renamed": Fault(KILL, NAMING, 2, "written"),
    "kill -9 between the first last and the first best": Fault(KILL, NAME, 1),
    "kill -9 before a better best": Fault(KILL, NAME, 3),
    "kill -9 after a better best": Fault(KILL, NAME, 3, "after"),
    "kill -9 with half the last checkpoint written": Fault(KILL, CHECKPOINT, 3, "half"),
    "SIGTERM before a checkpoint is renamed": Fault(TERM, CHECKPOINT, 2, "written"),
    "SIGUSR1 before the first byte of the first checkpoint": Fault(USR1, CHECKPOINT, 1, "empty"),
    "Ctrl-C twice before a checkpoint is renamed": Fault(stopped(SIGINT, 2), CHECKPOINT, 2, "written"),
    "SIGTERM between previous and last": Fault(TERM, NAME, 2, "after"),
    "no space for the first byte of a checkpoint": Fault(NO_SPACE, CHECKPOINT, 2, "empty"),
    "no space for the first checkpoint": Fault(NO_SPACE, CHECKPOINT, 1, "half"),
    "no space between last and best": Fault(NO_SPACE, NAMING, 1, "empty"),
    "no space between previous and last": Fault(NO_SPACE, NAME, 2, "after"),
    "kill -9 at the start of a validation": Fault(KILL, VALIDATION, 2),
    "SIGTERM at the start of a validation": Fault(TERM, VALIDATION, 2),
    "SIGUSR1 within the scores": Fault(USR1, SCORED, 2),
    "Ctrl-C twice within the scores": Fault(stopped(SIGINT, 2), SCORED, 2),
    "kill -9 while a grid is drawn": Fault(KILL, DRAWN, 3),
    "SIGUSR1 while a grid is drawn": Fault(USR1, DRAWN, 3),
    "kill -9 with half a grid written": Fault(KILL, GRID, 3, "half"),
    "no space for a grid": Fault(NO_SPACE, GRID, 3, "half"),
    "kill -9 before a row": Fault(KILL, ROW, 6),
    "kill -9 after a row": Fault(KILL, ROW, 6, "after"),
    "SIGTERM after a row": Fault(TERM, ROW, 6, "after"),
    "no space for more columns": Fault(NO_SPACE, CSV, 2, "half"),
    "kill -9 while the recipe is written": Fault(KILL, RECORD, 1, "half"),
    "kill -9 while the first run.json is written": Fault(KILL, RECORD, 1, "half", since=NOTE),
    "kill -9 while run.json learns of the scores": Fault(KILL, RECORD, 1, "written", since=CARD),
    "SIGTERM while the first run.json is written": Fault(TERM, RECORD, 1, "half", since=NOTE),
    "SIGTERM while run.json says that it is over": Fault(TERM, RECORD, 1, "half", since=END),
    "no space for the first run.json": Fault(NO_SPACE, RECORD, 1, "half", since=NOTE),
    "no space for the last run.json": Fault(NO_SPACE, RECORD, 1, "half", since=END),
    "SIGTERM between the players' turns": Fault(TERM, GENERATORS_TURN, 5),
    "Ctrl-C twice between the players' turns": Fault(stopped(SIGINT, 2), GENERATORS_TURN, 5),
    "kill -9 in the last step": Fault(KILL, GENERATORS_TURN, STEPS),
    "SIGTERM in the last step": Fault(TERM, GENERATORS_TURN, STEPS),
    "SIGUSR1 in the first step": Fault(USR1, STEP, 1),
    "kill -9 after the last checkpoint": Fault(KILL, CHECKPOINT, 3, "renamed"),
    "SIGTERM after the last checkpoint": Fault(TERM, CHECKPOINT, 3, "renamed"),
    "SIGTERM before there is a folder": Fault(TERM, "atelier.labels:settle"),
    "SIGTERM before the real pictures are known": Fault(TERM, PREPARED),
    "kill -9 before the training starts": Fault(KILL, DRAWN, 1),
}

IN_A_ROW = [
    Fault(KILL, CHECKPOINT, 2, "half"),
    Fault(TERM, TAKEN_UP),
    Fault(KILL, CSV, 1, "half"),  # where the rows after the checkpoint are cut off
    Fault(NO_SPACE, RECORD, 1, "half", since=CARD),
    Fault(KILL, GENERATORS_TURN, STEPS - 3),  # the last step
    Fault(USR1, CHECKPOINT, 1, "written"),
]

GOING_BACK = {
    "kill -9 before the chosen checkpoint is the last": Fault(KILL, NAMING, 1, "written"),
    "kill -9 after the chosen checkpoint is the last": Fault(KILL, NAMING, 1, "renamed"),
    "kill -9 before the pictures of later steps are removed": Fault(KILL, FORGOTTEN),
    "kill -9 after the record is cut off": Fault(KILL, CSV, 1, "renamed"),
    "kill -9 in a step": Fault(KILL, GENERATORS_TURN, 2),
    "SIGTERM in a step": Fault(TERM, GENERATORS_TURN, 1),
}

QUICKLY = [pytest.param(fault, id=name) for name, fault in QUICK.items()]
SLOWLY = [pytest.param(fault, id=name, marks=pytest.mark.slow) for name, fault in MORE.items()]


@pytest.mark.parametrize("fault", [*QUICKLY, *SLOWLY])
def test_nothing_is_lost(fault, cfg, undisturbed, folder):
    suffer(cfg, folder, fault)
    ends_well(cfg, folder)
    same_run(undisturbed, folder)


@pytest.mark.slow
def test_misfortunes_seldom_come_singly(cfg, undisturbed, folder):
    for fault in IN_A_ROW:
        suffer(cfg, folder, fault)
    ends_well(cfg, folder)
    same_run(undisturbed, folder)


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in GOING_BACK.items()])
def test_who_goes_back_does_not_come_to_what_was_rejected(fault, undisturbed, folder):
    """The record is never cut off before the checkpoint from which the run would go on by itself."""
    shutil.copytree(undisturbed, folder)
    last, previous = (folder / "checkpoints" / f"{name}.ckpt" for name in ("last", "previous"))
    back = OmegaConf.load(folder / "recipe.yaml")
    back.resume = str(previous)
    outcome = live(partial(fit, back, folder, {"model": "dcgan"}), folder, fault)
    assert (outcome.hits, outcome.code) == (1, fault.blow.code), outcome.told
    assert table.read(folder / "metrics.csv")[-1]["step"] >= checkpoints.read(last)["global_step"]
    assert fault.moment == "written" or checkpoints.read(last)["global_step"] < STEPS
    ends_well(back, folder)
    same_run(undisturbed, folder)


def test_nobody_need_read_what_a_run_says(small_config, folder):
    """As when `| tee` has ended: neither the run nor its exit code depends on that."""

    def unheard():
        reader, writer = os.pipe()
        os.close(reader)
        for output in (1, 2):
            os.dup2(writer, output)
        sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        fit(small_config(), folder, {})
        raise UserError("told to nobody")

    assert live(unheard, folder).code == MISUSED
    assert facts(folder)["status"] == "finished"
