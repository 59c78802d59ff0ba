import tempfile
from io import FileIO
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytorch_lightning.utilities import rank_zero_only

from atelier.errors import UserError
from atelier.record.csv import CsvRecord
from atelier.record.table import read


def log(folder: Path, rows: list[tuple[int, dict[str, float]]], resume_step: int | None = None) -> bytes:
    record = CsvRecord(folder, resume_step)
    for step, metrics in rows:
        record.log_metrics(metrics, step)
    return record.path.read_bytes() if record.path.exists() else b""


def test_metrics_of_one_step_share_a_row(tmp_path):
    rows = [
        (1, {"images_seen": 16.0, "generator/adversarial": 0.5}),
        (2, {"images_seen": 32.0, "generator/adversarial": 0.25}),
        (2, {"val/fid": 100.0, "epoch": 0.0}),  # Lightning counts epochs, we do not
        (3, {"images_seen": 48.0}),
    ]

    assert log(tmp_path, rows).decode().splitlines() == [
        "step,images_seen,generator/adversarial,val/fid",
        "1,16,0.5,",
        "2,32,0.25,100.0",
        "3,48,,",
    ]


def test_a_row_is_in_the_file_when_it_is_logged(tmp_path):
    record = CsvRecord(tmp_path)
    for step in (1, 2, 3):
        record.log_metrics({"generator/adversarial": step / 2}, step)
        assert read(record.path)[-1] == {"step": step, "generator/adversarial": step / 2}


def test_a_new_run_begins_anew(tmp_path):
    log(tmp_path, [(1, {"old": 1.0}), (2, {"old": 1.0})])

    assert log(tmp_path, [(1, {"new": 2.0})]) == b"step,images_seen,new\n1,,2.0\n"


def test_a_record_that_is_none_is_not_written_over_and_it_is_told_what_helps(tmp_path):
    (tmp_path / "metrics.csv").write_bytes(b"")
    with pytest.raises(UserError, match="must begin with step,images_seen; moved away, the run goes on"):
        log(tmp_path, [(2, {"new": 2.0})], resume_step=1)
    (tmp_path / "metrics.csv").unlink()
    assert log(tmp_path, [(2, {"new": 2.0})], resume_step=1) == b"step,images_seen,new\n2,,2.0\n"


def grow(increments: list[tuple[int, dict[str, float]]]) -> list[tuple[int, dict[str, float]]]:
    steps = accumulate(increment for increment, _ in increments)
    return [(step, metrics) for step, (_, metrics) in zip(steps, increments, strict=True)]


metrics = st.dictionaries(st.sampled_from(["images_seen", "a", "b", "val/c"]), st.floats(0, 99, width=32))
logs = st.lists(st.tuples(st.integers(0, 2), metrics), min_size=1, max_size=8).map(grow)


@settings(max_examples=60, deadline=None)
@given(logs, st.data())
def test_a_killed_and_resumed_run_leaves_the_same_bytes(rows, data):
    reached = data.draw(st.integers(1, len(rows)))
    last_step = rows[reached - 1][0]
    assume(last_step > 0)
    resume_step = data.draw(st.integers(0, last_step - 1))
    later = [row for row in rows if row[0] > resume_step]
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as broken:
        content = log(Path(broken), rows[:reached])
        torn = data.draw(st.integers(content.rstrip(b"\n").rfind(b"\n") + 1, len(content)))
        (Path(broken) / "metrics.csv").write_bytes(content[:torn])

        assert log(Path(broken), later, resume_step) == log(Path(whole), rows)


@pytest.mark.parametrize("again", [0.654321, 0.7, 0.12345678])
def test_a_number_that_is_logged_twice_leaves_one_of_both_whenever_the_run_is_killed(again, tmp_path, monkeypatch):
    record, seen, former = CsvRecord(tmp_path), [], Path.open
    record.log_metrics({"a": 0.5}, 1)
    record.log_metrics({"a": 0.123456}, 2)

    class Watched(FileIO):
        def write(self, data):
            count = super().write(data)
            seen.append(read(record.path))
            return count

    def opened(path, mode="r", *args, **kwargs):
        return Watched(path, mode) if "b" in mode else former(path, mode, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        record.log_metrics({"a": again}, 2)
    assert {rows[0]["a"] for rows in seen} == {0.5}
    assert {rows[1]["a"] for rows in seen} <= {0.123456, again}
    record.log_metrics({"a": 0.25}, 3)
    assert [row["a"] for row in read(record.path)] == [0.5, again, 0.25]


def test_resuming_forgets_columns_that_came_later(tmp_path):
    log(tmp_path, [(1, {"a": 1.0}), (2, {"late": 1.0, "a": 1.0})])

    resumed = log(tmp_path, [(2, {"a": 1.0, "later": 1.0})], resume_step=1)

    assert resumed == b"step,images_seen,a,later\n1,,1.0,\n2,,1.0,1.0\n"


def test_steps_only_rise(tmp_path):
    with pytest.raises(ValueError, match="step 1 was logged after step 2"):
        log(tmp_path, [(2, {"a": 1.0}), (1, {"a": 1.0})])


def test_only_the_first_process_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)

    assert log(tmp_path, [(1, {"a": 1.0})]) == b""
