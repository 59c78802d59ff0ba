import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from atelier.record.loggers import close, log_image
from atelier.record.tensorboard import TensorBoardRecord


@pytest.fixture
def events(tmp_path):
    def read():
        return EventAccumulator(str(tmp_path / "tensorboard")).Reload()

    return read


def test_curves_pictures_and_config_arrive(tmp_path, events):
    record = TensorBoardRecord(tmp_path)
    record.log_hyperparams({"model": {"latent_dim": 64}})
    record.log_metrics({"val/fid": 12.5}, 400)
    log_image([record], "samples", np.full((4, 4, 3), 200, np.uint8), 400)
    close([record], failed=False)

    found = events()

    assert [(event.step, event.value) for event in found.Scalars("val/fid")] == [(400, 12.5)]
    assert [(event.step, event.width) for event in found.Images("samples")] == [(400, 4)]
    assert b"latent_dim: 64" in found.Tensors("config/text_summary")[0].tensor_proto.string_val[0]


def test_a_resumed_run_shows_no_step_twice(tmp_path, events):
    for resume_step, steps in ((None, (1, 2, 3)), (2, (3, 4))):
        record = TensorBoardRecord(tmp_path, resume_step)
        for step in steps:
            record.log_metrics({"loss": float(step)}, step)
        record.close(failed=True)

    assert [event.step for event in events().Scalars("loss")] == [1, 2, 3, 4]


def test_a_record_that_logged_nothing_leaves_nothing(tmp_path):
    record = TensorBoardRecord(tmp_path)

    record.close(failed=False)

    assert not list(tmp_path.iterdir())
