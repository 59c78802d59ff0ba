"""Whole runs on shards: scores and health find what they ask for, and going on is exact."""

import importlib.util
import json
import signal
from pathlib import Path

import pytest

from atelier import run
from atelier.data.paintings import Paintings
from atelier.data.remote import Remote
from atelier.data.shard_writing import write_shards

spec = importlib.util.spec_from_file_location("exact_resume", Path(__file__).parents[1] / "test_exact_resume.py")
exact_resume = importlib.util.module_from_spec(spec)
spec.loader.exec_module(exact_resume)

SMALL = [
    *("data=stream", "data.image_size=16", "data.batch_size=4", "model.generator.width=4"),
    *("model.discriminator.width=4", "trainer.val_check_interval=4", "trainer.log_every_n_steps=2"),
    *("callbacks.samples.count=4", "trainer.accelerator=cpu", "data.window=2"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shards(Paintings(40), 16, Remote(str(folder)), 6 * 16 * 16 * 3 / 1e6)
    return f"data.root={folder}"


@pytest.mark.parametrize(
    ("stop", "number", "num_workers"),
    [
        (7, signal.SIGINT, 0),
        (11, signal.SIGTERM, 0),  # in the second epoch
        pytest.param(7, signal.SIGTERM, 2, marks=pytest.mark.slow),
    ],
)
def test_interrupted_and_resumed_is_uninterrupted(stop, number, num_workers, root, composed, tmp_path):
    cfg = composed(*SMALL, root, "trainer.max_steps=12", "metrics=none", f"data.num_workers={num_workers}")
    exact_resume.interrupt_and_resume(cfg, stop, number, tmp_path)


@pytest.mark.slow
def test_a_labelled_run_with_the_usual_scores_and_health(root, composed, tmp_path):
    cfg = composed(
        *SMALL, root, "trainer.max_steps=4", "metrics.count=32", "data.label=style", "data.validation=0.5",
        "data.num_workers=0", "model=acgan",
    )  # fmt: skip
    run.fit(cfg, tmp_path / "run", {"data": "stream"})
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["steps"] == 4
    assert record["card"]["real_images"] == 20
    assert len(record["classes"]) > 1
    rows = (tmp_path / "run" / "metrics.csv").read_text()
    assert "val/embedded_frechet_distance" in rows
    assert "health/diversity" in rows
