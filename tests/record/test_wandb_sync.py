"""What arrives at a server: every row once, whatever happened on the way.

The server is W&B's only in what its client sees of it; the client, its files and `wandb sync` are the real ones.
"""

import signal
import subprocess
import sys
import textwrap

import pytest
import wandb
from wandb_server import WandbServer

from atelier.record import wandb as ours
from atelier.record.csv import CsvRecord
from atelier.record.loggers import close, log_checkpoint
from atelier.record.wandb import WandbRecord
from atelier.record.wandb_log import BLOCK

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nobody_logged_in")]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    with WandbServer() as listening:
        monkeypatch.setenv("WANDB_BASE_URL", listening.url)
        wandb.teardown()  # its service knows the former address
        yield listening
    wandb.teardown()


class Recording:
    """A run folder's two records, which are logged to as a training does: losses, then scores of the same step."""

    def __init__(self, folder, resume_step=None, **options):
        folder.mkdir(parents=True, exist_ok=True)
        self.wandb = WandbRecord(folder, resume_step, **options)
        self.loggers = [CsvRecord(folder, resume_step), self.wandb]

    def log(self, *steps):
        for step in steps:
            for logger in self.loggers:
                logger.log_metrics({"images_seen": 4 * step, "loss": step / 2}, step)
                logger.log_metrics({"val/fid": step / 4}, step)

    def end(self, failed=False):
        close(self.loggers, failed)
        wandb.teardown()  # `finish` may return before its service has written the last of the file


def start_sync(*arguments):
    words = [sys.executable, "-m", "wandb", "sync", *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def sync(*arguments):
    process = start_sync(*arguments)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told
    return told


def assert_whole(run, *steps):
    assert [row["_step"] for row in run.rows] == [*steps]
    for row in run.rows:
        step = row["_step"]
        assert (row["images_seen"], row["loss"], row["val/fid"]) == (4 * step, step / 2, step / 4)


def test_the_segments_of_an_interrupted_run_arrive_as_one_without_gap_or_double(tmp_path, server):
    first = Recording(tmp_path / "run", mode="offline")
    first.log(10, 20, 30, 40)
    first.end(failed=True)
    second = Recording(tmp_path / "run", 20, mode="offline")  # its last checkpoint was of step 20
    second.log(30, 40, 50)
    second.end()

    sync(tmp_path / "run" / "wandb")

    (run,) = server.runs.values()
    assert_whole(run, 10, 20, 30, 40, 50)


def test_rows_that_a_crash_took_are_made_good_from_the_runs_own_record(tmp_path, server):
    first = Recording(tmp_path / "run", mode="offline")
    first.log(*range(0, 10000, 10))
    first.end(failed=True)
    (file,) = (tmp_path / "run" / "wandb").glob("offline-run-*/*.wandb")
    file.write_bytes(file.read_bytes()[: 2 * BLOCK])  # in the middle of a record
    second = Recording(tmp_path / "run", 9900, mode="offline")
    second.log(*range(9910, 10100, 10))
    second.end()

    told = sync(tmp_path / "run" / "wandb")

    assert "ERROR" not in told
    (run,) = server.runs.values()
    assert_whole(run, *range(0, 10100, 10))


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from atelier.record.csv import CsvRecord
    from atelier.record.wandb import WandbRecord

    folder = Path(sys.argv[1])
    loggers = [CsvRecord(folder), WandbRecord(folder, mode="offline")]
    for step in range(10, 60, 10):
        for logger in loggers:
            logger.log_metrics({"images_seen": 4 * step, "loss": step / 2}, step)
            logger.log_metrics({"val/fid": step / 4}, step)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_that_goes_on_has_neither_gap_nor_double(tmp_path, server):
    (tmp_path / "run").mkdir()
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "run")], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    second = Recording(tmp_path / "run", 50, mode="offline")
    second.log(60)
    second.end()

    sync(tmp_path / "run" / "wandb")

    (run,) = server.runs.values()
    assert_whole(run, 10, 20, 30, 40, 50, 60)


def test_several_syncs_at_the_same_time_lose_nothing(tmp_path, server):
    names = [f"run{number}" for number in range(4)]
    for name in names:
        for resume_step, steps in ((None, (10, 20)), (20, (30, 40))):
            recording = Recording(tmp_path / name, resume_step, mode="offline", name=name)
            recording.log(*steps)
            close(recording.loggers, failed=False)
    wandb.teardown()

    one, several = start_sync(tmp_path / "run0" / "wandb"), start_sync(
        "-n", 3, *(tmp_path / name / "wandb" for name in names[1:])
    )  # fmt: skip
    assert [process.communicate(timeout=120) and process.returncode for process in (one, several)] == [0, 0]

    assert sorted(run.about["displayName"] for run in server.runs.values()) == names
    for run in server.runs.values():
        assert_whole(run, 10, 20, 30, 40)
    assert "No runs to sync" in sync(*(tmp_path / name / "wandb" for name in names))  # all are marked as sent


def test_a_run_that_goes_on_online_continues_and_makes_good_what_never_arrived(tmp_path, server):
    first = Recording(tmp_path / "run", mode="online")
    first.log(10, 20, 30, 40)
    first.end()
    (run,) = server.runs.values()
    lines = run.streams["wandb-history.jsonl"]
    lost = max(lines)
    del lines[lost]  # the server went away before the last row
    second = Recording(tmp_path / "run", 40, mode="online")
    second.log(50)
    second.end()

    assert len(server.runs) == 1
    assert_whole(run, 10, 20, 30, 40, 50)


def test_a_server_that_vanishes_leaves_the_run_going_and_its_data_on_the_disk(tmp_path, server, monkeypatch):
    monkeypatch.setitem(ours.PATIENCE, "finish_timeout", 2.0)
    recording = Recording(tmp_path / "run", mode="online")
    recording.log(10)
    server.vanish()
    recording.log(*range(20, 110, 10))
    recording.end()

    with WandbServer() as back:
        back.runs = dict(server.runs)
        monkeypatch.setenv("WANDB_BASE_URL", back.url)
        assert "No runs to sync" in sync(tmp_path / "run" / "wandb")
        sync("--include-online", "--id", "new", tmp_path / "run" / "wandb")

    assert len(back.runs) == 2
    assert_whole(back.runs["new"], *range(10, 110, 10))


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_checkpoints_arrive_as_they_were_when_they_were_logged(mode, tmp_path, server):
    recording = Recording(tmp_path / "run", mode=mode, checkpoints="all")
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    path.parent.mkdir()
    for step, score, aliases in ((10, 2.0, ("last", "best")), (20, 3.0, ("last",))):
        partial = path.with_suffix(".partial")
        partial.write_bytes(b"weights of step %d" % step)
        partial.replace(path)
        recording.log(step)
        log_checkpoint(recording.loggers, path, step, score, aliases)
    path.write_bytes(b"")
    path.unlink()
    recording.end()
    if mode == "offline":
        sync(tmp_path / "run" / "wandb")

    (run,) = server.runs.values()
    first, second = run.artifacts
    assert first["whole"]
    assert second["whole"]
    assert first["files"] == {"model.ckpt": b"weights of step 10"}
    assert first["aliases"] == {"last", "best", "latest", "step-10"}
    assert (first["metadata"]["step"], first["metadata"]["score"]) == (10, 2.0)
    assert second["aliases"] == {"last", "latest", "step-20"}
