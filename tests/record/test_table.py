import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.errors import UserError
from atelier.record.table import line, read, text


@given(st.floats(width=32))
def test_float32_comes_back(value):
    assert np.float32(text("a", value)).tobytes() == np.float32(value).tobytes() or math.isnan(value)


@given(st.floats(allow_nan=False))
def test_float64_comes_back_unless_float32_says_it_all(value):
    back = float(text("a", value))

    assert back == value or np.float32(back) == np.float32(value) == value


def test_numbers_are_short_and_counts_are_integers():
    assert text("a", float(np.float32(0.1))) == "0.1"
    assert text("a", 0.1) == "0.1"
    assert text("a", math.nan) == "nan"
    assert text("images_seen", 33_554_432.0) == "33554432"


def test_read_gives_numbers_and_leaves_out_what_was_not_logged(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,images_seen,a,b\n1,16,0.5,\n2,32,,nan\n")

    first, second = read(path)

    assert first == {"step": 1, "images_seen": 16, "a": 0.5}
    assert isinstance(first["step"], int)
    assert math.isnan(second["b"])


def test_a_torn_last_line_is_left_out(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,images_seen,a\n1,16,0.5\n2,3")

    assert read(path) == [{"step": 1, "images_seen": 16, "a": 0.5}]


def test_a_name_with_a_comma_is_one_cell(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(line(["step", "images_seen", "a,b"]) + line(["1", "", "2.0"]))

    assert read(path) == [{"step": 1, "a,b": 2.0}]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "not a record of a run"),
        ("epoch,loss\n1,2\n", "must begin with step,images_seen"),
        ("step,images_seen,a\n1,16\n2,32,0.5\n", "line 2: 2 cells where 3 are expected"),
        ("step,images_seen,a\n1,16,0.5\n2,32,half\n", "line 3: a must be a number, got 'half'"),
        ("step,images_seen,a\n,16,0.5\n", "line 2: step must be a number, got ''"),
        ("step,images_seen\n1,\0\n", r"line 2: images_seen must be a number, got '\\x00'"),
        (f"{'a' * 200_000}\n", "not a record of a run .*limit"),
        (b"\xdf\n", "not a record of a run .*utf-8"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, content, complaint):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UserError, match=complaint):
        read(path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_and_not_waited_for(make, tmp_path):
    make(tmp_path / "metrics.csv")

    with pytest.raises(UserError, match="not a record of a run: it is no file"):
        read(tmp_path / "metrics.csv")
