"""Which failures are a line, and which are bugs."""

import errno
import os
import sys
import tempfile

import numpy as np
import pytest
import torch

from atelier.failures import FAILED, MISUSED, describe, exit_code, tell


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, MISUSED), (errno.EISDIR, MISUSED), (errno.ENAMETOOLONG, MISUSED), (errno.EEXIST, MISUSED),
        (errno.ELOOP, MISUSED),
        (errno.ENOSPC, FAILED), (errno.EDQUOT, FAILED), (errno.EIO, FAILED),
    ],
)  # fmt: skip
def test_what_the_system_says_of_a_path(number, code):
    error = OSError(number, os.strerror(number), "out/way.gif")
    assert describe(error) == f"cannot use out/way.gif: {os.strerror(number)}"
    assert exit_code(error) == code


@pytest.mark.parametrize("ask", [lambda: np.zeros(10**15), lambda: torch.zeros(10**15)])
def test_too_little_memory_is_told(ask):
    with pytest.raises((MemoryError, RuntimeError)) as refused:
        ask()
    told = describe(refused.value)
    assert told.startswith("out of memory (")
    assert told.endswith("): smaller pictures, networks or batches take less")
    assert "\n" not in told
    assert exit_code(refused.value) == FAILED


def test_a_gpu_with_too_little_memory_is_told():
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee the documentation.")
    assert describe(error).startswith("out of memory (CUDA out of memory. Tried to allocate 2 GiB.): smaller")
    assert exit_code(error) == FAILED


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("std::bad_alloc"), RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED")],
)
def test_whoever_says_that_memory_is_out(error):
    assert describe(error).startswith("out of memory (")
    assert exit_code(error) == FAILED


def test_no_place_for_temporary_files_is_told(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(FileNotFoundError) as refused:
        tempfile.gettempdir()
    assert describe(refused.value).startswith("no temporary file can be written: is the disk full? TMPDIR says")
    assert exit_code(refused.value) == FAILED


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file", "x"), KeyError("x")])
def test_bugs_keep_their_traceback(error):
    assert describe(error) is None
    assert exit_code(error) == FAILED


def test_where_standard_error_is_closed_nothing_is_told_and_nothing_else_goes_wrong(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    tell("nobody hears this")
