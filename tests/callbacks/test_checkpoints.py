import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from atelier import checkpoints
from atelier.callbacks.checkpoints import Checkpoints


class Trainer(SimpleNamespace):
    is_global_zero = True
    loggers = ()

    def save_checkpoint(self, path):
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)  # as a rename would: the former file may have a second name
        path.write_text(str(self.global_step))


def validate(keep, *scores):
    for step, score in enumerate(scores, 1):
        keep.on_validation_end(Trainer(global_step=step, callback_metrics={"val/x": score}), None)


def names(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_last_the_one_before_and_the_best_are_kept(tmp_path):
    keep = Checkpoints(tmp_path / "c", "val/x")
    validate(keep, 5.0, 3.0, 4.0, 6.0)
    assert names(tmp_path / "c") == {"last.ckpt": "4", "previous.ckpt": "3", "best.ckpt": "2"}
    assert (keep.best_score, keep.best_step) == (3.0, 2)


def test_a_score_that_is_no_number_is_never_the_best(tmp_path):
    keep = Checkpoints(tmp_path / "c", "val/x")
    validate(keep, 5.0, float("nan"))
    assert names(tmp_path / "c")["best.ckpt"] == "1"


def test_without_a_score_there_is_no_best(tmp_path):
    validate(Checkpoints(tmp_path / "c", None), 5.0, 3.0)
    assert set(names(tmp_path / "c")) == {"last.ckpt", "previous.ckpt"}


def test_the_best_so_far_survives_a_resume(tmp_path):
    first, second = Checkpoints(tmp_path / "c", "val/x"), Checkpoints(tmp_path / "c", "val/x")
    validate(first, 3.0)
    second.load_state_dict(first.state_dict())
    validate(second, 4.0)
    assert names(tmp_path / "c")["best.ckpt"] == "1"
    assert second.best_score == 3.0


def write(path, step, best_score, best_step):
    callbacks = {"Checkpoints": {"best_score": best_score, "best_step": best_step}}
    torch.save({"state_dict": {}, "global_step": step, "callbacks": callbacks}, path)


def gone_on_from(name, folder, since=0):
    """As Lightning restores callbacks."""
    keep = Checkpoints(folder, "val/x", start=folder / name)
    keep.since = since
    content = checkpoints.read(folder / name)
    keep.on_load_checkpoint(Trainer(), None, content)
    keep.load_state_dict(content["callbacks"]["Checkpoints"])
    return keep


def test_going_on_from_before_the_best_forgets_a_best_one_that_is_no_longer_there(tmp_path):
    """best.ckpt is of step 30, better than step 10's; step 20, where the run goes on, knows of step 10's only."""
    write(tmp_path / "best.ckpt", 30, 2.0, 30)
    write(tmp_path / "previous.ckpt", 20, 3.0, 10)
    keep = gone_on_from("previous.ckpt", tmp_path)
    assert (keep.best_score, keep.best_step) == (math.inf, 0)
    validate(keep, 4.0)
    assert (tmp_path / "best.ckpt").read_text() == "1"


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_a_best_checkpoint_that_is_missing_or_damaged_is_replaced_by_the_next(damage, tmp_path):
    write(tmp_path / "best.ckpt", 10, 3.0, 10)
    write(tmp_path / "last.ckpt", 20, 3.0, 10)
    assert gone_on_from("last.ckpt", tmp_path).best_score == 3.0
    damage(tmp_path / "best.ckpt")
    assert gone_on_from("last.ckpt", tmp_path).best_score == math.inf


def test_a_best_that_was_measured_otherwise_does_not_count(tmp_path):
    write(tmp_path / "best.ckpt", 20, 0.4, 20)
    write(tmp_path / "last.ckpt", 20, 0.4, 20)
    before = (tmp_path / "best.ckpt").read_bytes()
    keep = gone_on_from("last.ckpt", tmp_path, since=21)
    assert (keep.best_score, keep.best_step) == (math.inf, 0)
    assert (tmp_path / "best.ckpt").read_bytes() == before  # until there is another
    assert gone_on_from("last.ckpt", tmp_path, since=20).best_score == 0.4
    validate(keep, 50.0)
    assert (tmp_path / "best.ckpt").read_text() == "1"


def test_who_goes_back_goes_on_from_there_from_then_on(tmp_path):
    """And the rejected last is not offered as the one before."""
    for name, step in (("last", 30), ("previous", 20), ("healthy", 10)):
        write(tmp_path / f"{name}.ckpt", step, math.inf, 0)
    Checkpoints(tmp_path, None, start=tmp_path / "last.ckpt").go_back()
    assert checkpoints.read(tmp_path / "last.ckpt")["global_step"] == 30
    keep = Checkpoints(tmp_path, None, start=tmp_path / "healthy.ckpt")
    keep.go_back()
    assert [checkpoints.read(tmp_path / f"{name}.ckpt")["global_step"] for name in ("last", "healthy")] == [10, 10]
    keep.save(Trainer(global_step=15))
    assert (tmp_path / "last.ckpt").read_text() == "15"
    assert checkpoints.read(tmp_path / "previous.ckpt")["global_step"] == 10


def test_the_end_is_saved_once(tmp_path):
    keep = Checkpoints(tmp_path / "c", None)
    trainer = Trainer(global_step=7, callback_metrics={})
    keep.on_train_end(trainer, None)
    keep.on_train_end(trainer, None)
    assert names(tmp_path / "c") == {"last.ckpt": "7"}


def test_where_hard_links_are_not_to_be_had_files_are_copied(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no hard links here")

    monkeypatch.setattr("os.link", refuse)
    validate(Checkpoints(tmp_path / "c", "val/x"), 5.0, 6.0)
    assert names(tmp_path / "c") == {"last.ckpt": "2", "previous.ckpt": "1", "best.ckpt": "1"}


def test_a_missing_score_is_a_bug_and_no_silence(tmp_path):
    with pytest.raises(KeyError):
        Checkpoints(tmp_path, "val/y").on_validation_end(Trainer(global_step=1, callback_metrics={}), None)
