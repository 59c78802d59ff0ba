"""A run whose W&B server vanishes: it goes on without, and ends as it would have."""

import multiprocessing
import os
import signal

import pytest
from blows import Blow
from same_run import nothing_left, same_run
from wandb_server import WandbServer

from atelier.failures import DONE
from atelier.record import wandb
from faults import Fault, suffer

FORK = multiprocessing.get_context("fork")

PLACES = {
    "before the run is known to it": ("atelier.record.wandb:WandbRecord.log_hyperparams", 1),
    "between the players' turns": ("atelier.tasks.gan:Gan.generator_loss", 4),
    "within the scores": ("atelier.metrics.scoring:Scores.update", 2),
    "in the last step": ("atelier.tasks.gan:Gan.generator_loss", 8),
}


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A process of its own, so that the run's can end it."""
    ours, theirs = FORK.Pipe()

    def serve():
        with WandbServer() as listening:
            theirs.send(listening.url)
            signal.pause()

    process = FORK.Process(target=serve)
    process.start()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", ours.recv())
    for wait in ("init_timeout", "finish_timeout"):
        monkeypatch.setitem(wandb.PATIENCE, wait, 5.0)
    yield process
    process.kill()
    process.join()


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_nothing_is_lost(place, small, undisturbed, server, folder):
    def vanish(_):
        os.kill(server.pid, signal.SIGKILL)

    suffer(small("logger=wandb"), folder, Fault(Blow(vanish, DONE, ("finished",)), *place))
    assert any((folder / "wandb").glob("run-*"))  # or it would have been an offline one
    nothing_left(folder)
    same_run(undisturbed, folder)
