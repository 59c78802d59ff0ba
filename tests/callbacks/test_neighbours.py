import pytest
from pytorch_lightning import Trainer

from atelier.callbacks.neighbours import beside
from atelier.callbacks.reseed import Reseed


def trainer(*callbacks):
    return Trainer(
        logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", callbacks=[*callbacks],
    )  # fmt: skip


def test_the_callback_of_a_kind_is_found():
    reseed = Reseed(7)
    assert beside(trainer(reseed), Reseed) is reseed


def test_a_missing_callback_is_no_end_of_an_epoch():
    with pytest.raises(LookupError, match="the trainer has no Reseed among its callbacks"):
        beside(trainer(), Reseed)
