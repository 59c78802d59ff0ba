"""Which failures are a line, and which are bugs."""

import errno
import os

import pytest

from atelier.failures import FAILED, MISUSED, describe, exit_code


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


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file", "x"), KeyError("x")])
def test_bugs_keep_their_traceback(error):
    assert describe(error) is None
    assert exit_code(error) == FAILED
