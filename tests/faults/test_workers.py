"""A run with data workers, of which one is hit, or all together with it."""

from signal import SIGINT, SIGTERM

import pytest
from blows import KILL, Blow, all_stopped
from same_run import same_run

from atelier.failures import FAILED
from faults import Fault, ends_well, suffer

FETCHED, GENERATORS_TURN = "atelier.data.loaders:_Batches.__getitem__", "atelier.tasks.gan:Gan.generator_loss"
KILLED_WORKER = Blow(KILL.strike, FAILED, ("failed",))

FAULTS = {
    "kill -9 of a worker within a batch": Fault(KILLED_WORKER, FETCHED, 5),
    "kill -9 of a run with workers": Fault(KILL, GENERATORS_TURN, 5),
    "SIGTERM to a run and its workers": Fault(all_stopped(SIGTERM), GENERATORS_TURN, 5),
    "Ctrl-C in the terminal of a run with workers": Fault(all_stopped(SIGINT), GENERATORS_TURN, 5),
    "SIGTERM to all while a worker fetches": Fault(all_stopped(SIGTERM), FETCHED, 5),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_is_lost_and_nobody_left(fault, small, undisturbed, folder):
    cfg = small("data.num_workers=1")
    suffer(cfg, folder, fault)
    ends_well(cfg, folder)
    same_run(undisturbed, folder)
