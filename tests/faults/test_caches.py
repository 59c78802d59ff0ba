"""A run that is hit while it prepares what it needs: the next one finds no half of it, and waits for nobody."""

import multiprocessing
from signal import SIGINT, SIGTERM

import pytest
from blows import KILL, NO_SPACE, NO_SPACE_FROM_NOW_ON, TERM, USR1, Blow, all_stopped
from same_run import same_run

from atelier.data import rendering
from atelier.failures import FAILED
from faults import Fault, ends_well, suffer

PICTURE, ROWS = "atelier.data.building:RowsBuilder.add", "atelier.data.building:RowsBuilder.save"
WRITTEN, BUILT = "atelier.data.building:RowsBuilder.tell_broken", "atelier.data.cache:build"
MEASURED, STATISTICS = "atelier.metrics.reference:FeatureMoments.take", "atelier.metrics.reference:replacing"
PREPARED = "atelier.data.rendering:deaf_children"

QUICK = {
    "kill -9 with half the pixels written": Fault(KILL, PICTURE, 20),
    "kill -9 with half the statistics written": Fault(KILL, STATISTICS, 1, "half"),
    "no space for half the statistics": Fault(NO_SPACE_FROM_NOW_ON, STATISTICS, 1, "empty"),
}
MORE = {
    "no space for half the pixels": Fault(NO_SPACE_FROM_NOW_ON, PICTURE, 20),
    "SIGTERM with half the pixels written": Fault(TERM, PICTURE, 20),
    "SIGUSR1 with half the pixels written": Fault(USR1, PICTURE, 20),
    "no space for a picture": Fault(NO_SPACE, PICTURE, 20),
    "kill -9 before the labels are written": Fault(KILL, ROWS),
    "no space for the labels": Fault(NO_SPACE, ROWS),
    "kill -9 before the pixels are renamed": Fault(KILL, WRITTEN),
    "kill -9 after the pixels are renamed": Fault(KILL, BUILT, 1, "after"),
    "kill -9 while the real pictures are measured": Fault(KILL, MEASURED),
    "SIGTERM while the real pictures are measured": Fault(TERM, MEASURED),
    "SIGTERM before the statistics are renamed": Fault(TERM, STATISTICS, 1, "written"),
    "no space for the statistics": Fault(NO_SPACE, STATISTICS, 1, "half"),
    "kill -9 after the statistics are renamed": Fault(KILL, STATISTICS, 1, "renamed"),
}
KILLED_PAINTER = Blow(lambda _: [child.kill() for child in multiprocessing.active_children()], FAILED, ("failed",))
BY_MANY = {
    "a process that prepares pictures is killed": Fault(KILLED_PAINTER, PREPARED, 3),
    "kill -9 while processes prepare pictures": Fault(KILL, PICTURE, 20),
    "SIGTERM to all that prepare pictures": Fault(all_stopped(SIGTERM), PICTURE, 20),
    "Ctrl-C while processes prepare pictures": Fault(all_stopped(SIGINT), PREPARED, 2),
}


@pytest.fixture
def empty(undisturbed, tmp_path, monkeypatch):
    """A cache in which nothing is yet."""
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    "fault",
    [
        *(pytest.param(fault, id=name) for name, fault in QUICK.items()),
        *(pytest.param(fault, id=name, marks=pytest.mark.slow) for name, fault in MORE.items()),
    ],
)
def test_no_half_of_it_is_used(fault, cfg, undisturbed, empty, folder):
    suffer(cfg, folder, fault)
    ends_well(cfg, folder)
    same_run(undisturbed, folder)


@pytest.mark.slow
@pytest.mark.parametrize("fault", BY_MANY.values(), ids=BY_MANY)
def test_no_half_of_what_many_prepare_is_used(fault, cfg, undisturbed, empty, folder, monkeypatch):
    monkeypatch.setattr(rendering, "_FEW", 1)
    monkeypatch.setattr(rendering, "_cores", lambda: 2)  # both are there when the third of three chunks is handed over
    suffer(cfg, folder, fault)
    ends_well(cfg, folder)
    same_run(undisturbed, folder)
