"""What a trial does after each validation."""

import json
from types import SimpleNamespace

import pytest
import torch

from atelier.callbacks.checkpoints import Checkpoints
from atelier.callbacks.record import Record
from atelier.sweeps import job, trial

optuna = pytest.importorskip("optuna")

from atelier.sweeps.study import NAME, storage  # noqa: E402  # it imports Optuna, which is an extra

MEDIAN = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 2}


@pytest.fixture
def study(tmp_path):
    """Two trials that are done, with scores after 100 and 200 images; and one that runs."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(storage=storage(tmp_path), study_name=NAME)
    for scores in ((50.0, 40.0), (60.0, 30.0)):
        done = made.ask()
        for images, score in zip((100, 200), scores, strict=True):
            done.report(score, images)
        made.tell(done, min(scores))
    made.ask()
    return made


class Trainer(SimpleNamespace):
    is_global_zero, should_stop, max_steps = True, False, 20

    def __init__(self, monitor="val/fid"):
        record = Record()
        super().__init__(callbacks=[Checkpoints(None, monitor), record], strategy=self, record=record, global_step=0)

    def broadcast(self, value):
        return value

    def validated(self, callback, score, images, step):
        self.callback_metrics = {"val/fid": torch.tensor(score)}
        self.record.images_seen, self.global_step = images, step
        callback.on_validation_end(self, None)
        return self.should_stop


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    trial.write(folder, {"number": 2, "study": str(tmp_path), "pruner": MEDIAN})
    return folder


def test_a_trial_tells_its_scores_and_is_stopped_where_it_is_worse_than_half(study, run):
    (callback,), trainer = job.callbacks(run), Trainer()
    assert not trainer.validated(callback, 54.0, 100, 5), "between the others"
    assert trial.pruned(run) is None
    assert trainer.validated(callback, 53.0, 200, 10), "others had 40 and 30 by then"
    assert trial.pruned(run) == 53.0
    assert study.trials[2].intermediate_values == {100: 54.0, 200: 53.0}
    assert json.loads((run / "trial.json").read_text())["number"] == 2


def test_the_best_score_is_that_of_all_validations(study, run):
    (callback,), trainer = job.callbacks(run), Trainer()
    trainer.validated(callback, 52.0, 100, 5)
    assert trainer.validated(callback, 70.0, 200, 10)
    assert trial.pruned(run) == 52.0


def test_what_is_good_goes_on(study, run):
    (callback,), trainer = job.callbacks(run), Trainer()
    assert not trainer.validated(callback, 10.0, 100, 5)
    assert not trainer.validated(callback, 9.0, 200, 10)


def test_a_run_at_its_end_is_done_and_not_pruned(study, run):
    (callback,), trainer = job.callbacks(run), Trainer()
    assert not trainer.validated(callback, 99.0, 200, 20)
    assert trial.pruned(run) is None


def test_one_process_of_several_reports_and_all_stop(study, run):
    (callback,), other = job.callbacks(run), Trainer()
    other.is_global_zero = False
    other.broadcast = lambda value: True
    assert other.validated(callback, 1.0, 100, 5)
    assert study.trials[2].intermediate_values == {}


def test_without_a_score_or_a_pruner_nothing_is_stopped(study, run, tmp_path):
    (callback,), trainer = job.callbacks(run), Trainer(monitor=None)
    assert not trainer.validated(callback, 99.0, 200, 10)
    trial.write(run, {"number": 2, "study": str(tmp_path), "pruner": None})
    assert job.callbacks(run) == []
