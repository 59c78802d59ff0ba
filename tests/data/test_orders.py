"""What all data of pairs promises of its order, whoever looks: after a stop, in several processes."""

import pickle
from itertools import islice

import pytest
import torch
from batches import Place, exact
from coordinates import training
from degrading import HOLES, NOISE


@pytest.fixture(params=["styles", "two folders", "side by side", "damaged"])
def made(request, content_style, paired, pairs, degraded):
    """Makes the same data each time it is called."""
    makers = {
        "styles": lambda: content_style(label="picture"),
        "two folders": lambda: paired(content=str(pairs / "content"), target=str(pairs / "target")),
        "side by side": paired,
        "damaged": lambda: degraded(chain=NOISE | HOLES, mask=True),
    }
    return makers[request.param]


@pytest.mark.parametrize("number", [1, 6, 7, 20])
def test_going_on_is_starting_at_a_number(made, number):
    """Six batches are an epoch of the contents; styles begin anew within a batch."""
    resumed = made()
    resumed.trainer = Place(global_step=number)
    exact([*islice(resumed.train_dataloader(), 9)], training(made(), number + 9)[number:])


@pytest.mark.parametrize("world", [2, 4])
def test_ranks_see_together_what_one_sees(made, world):
    shares = []
    for rank in range(world):
        data = made()
        data.trainer = Place(global_rank=rank, world_size=world)
        shares.append(islice(data.train_dataloader(), 9))
    for whole, parts in zip(training(made(), 9), zip(*shares, strict=True), strict=True):
        fields = zip(*parts, strict=True)
        exact(tuple(field[0] if field[0] is None else torch.cat(field) for field in fields), tuple(whole))


def test_another_process_draws_the_same(made):
    data = made()
    copy = pickle.loads(pickle.dumps(data.train_pixels))
    for draw in islice(data.stream(0, 1).since(0), 3):
        exact(copy.batch(*draw), data.train_pixels.batch(*draw))
