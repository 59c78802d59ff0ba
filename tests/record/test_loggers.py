import numpy as np
from pytorch_lightning.loggers.logger import DummyLogger

from atelier.record.csv import CsvRecord
from atelier.record.loggers import RunLogger, close, log_checkpoint, log_image


class Shown(RunLogger):
    name = version = "shown"

    def __init__(self):
        super().__init__()
        self.calls = []

    def log_hyperparams(self, params): ...

    def log_metrics(self, metrics, step=None): ...

    def log_image(self, key, pixels, step):
        self.calls.append((key, pixels.shape, step))

    def log_checkpoint(self, path, step, score, aliases):
        self.calls.append((path, step, score, aliases))

    def close(self, failed):
        self.calls.append(failed)


def test_pictures_checkpoints_and_the_end_reach_the_loggers_that_care(tmp_path):
    shown = Shown()
    loggers = [CsvRecord(tmp_path), DummyLogger(), shown]

    log_image(loggers, "samples", np.zeros((4, 6, 3), np.uint8), 7)
    log_checkpoint(loggers, tmp_path / "last.ckpt", 7, 0.5, ("last", "best"))
    close(loggers, failed=True)

    assert shown.calls == [
        ("samples", (4, 6, 3), 7),
        (tmp_path / "last.ckpt", 7, 0.5, ("last", "best")),
        True,
    ]
    assert not list(tmp_path.iterdir())
