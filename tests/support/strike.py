"""A callback that hits one of several processes, or their launcher, as the environment says: `FAULT="kill 1 2"`."""

import math
import multiprocessing
import os
import signal

from pytorch_lightning import Callback


def kill(batch):
    os.kill(os.getpid(), signal.SIGKILL)


def bug(batch):
    raise ZeroDivisionError("a bug in one process")


def nan(batch):
    batch.image.fill_(math.nan)


def kill_launcher(batch):
    os.kill(multiprocessing.parent_process().pid, signal.SIGKILL)


def stop_launcher(batch):
    os.kill(multiprocessing.parent_process().pid, signal.SIGTERM)


def press_ctrl_c(batch):
    os.killpg(0, signal.SIGINT)


class Strike(Callback):
    """Does what is named first, in the process of that rank, at the start of that step since the run went on."""

    def __init__(self):
        self.steps = 0

    def on_train_batch_start(self, trainer, task, batch, number):
        self.steps += 1
        what, rank, step = os.environ.get("FAULT", "nothing -1 -1").split()
        if (trainer.global_rank, self.steps) == (int(rank), int(step)):
            print(f"struck: {what}", flush=True)  # noqa: T201  # the test looks for it
            globals()[what](batch)
