"""The board as a table."""

import re

import pytest
import torch
from rich.console import Console

from atelier.cli.board.intervals import Draws, interval
from atelier.cli.board.painting import Cost
from atelier.cli.board.row import Row
from atelier.cli.board.scoring import Score
from atelier.cli.board.sheet import print_sheet, sheet


def row(name, values, styles=2):
    """A method by its scores of pairs, of which fewer is better."""
    values = torch.tensor(values).double()
    drawn = Draws.of(*values.shape).means(values)
    score = Score(float(values.mean()), *interval(float(values.mean()), drawn), None, drawn, False)
    return Row(name, {"distance": score}, Cost(1.0, 1.0, None), ["wave", "night"][:styles], styles == 2, {})


def shown(rows):
    console = Console(width=160, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(sheet(rows))
    return capture.get()


def test_the_best_is_bold_and_what_may_be_as_good_is_marked():
    """Compared pair by pair: intervals that overlap may still tell two methods apart."""
    base = [[1.0, 5.0], [2.0, 7.0]]
    worse = [[value + 0.5 for value in values] for values in base]
    close = [[1.5, 4.7], [1.8, 7.2]]
    text = shown([row("first", base), row("close", close), row("worse", worse), row("other", [[0.1], [0.2]], 1)])
    lines = {line.split()[0]: line for line in text.splitlines() if line.split()}
    assert "\x1b[1m3.75" in lines["first"]
    assert "≈3.8" in lines["close"]
    assert "4.25" in lines["worse"]
    assert "≈" not in lines["worse"]
    assert "\x1b[1m0.15" not in lines["other"]
    assert "(only in wave)" in lines["other"]
    assert text.count("\x1b[1m0") == 0


@pytest.mark.parametrize(("width", "terminal", "whole"), [(200, True, True), (44, True, False), (44, False, True)])
def test_intervals_are_left_out_where_a_terminal_is_too_narrow_for_them(width, terminal, whole, monkeypatch):
    """Rather than broken in the middle of a number; what is no terminal has lines of any length."""
    console = Console(width=width, force_terminal=terminal, color_system=None)
    monkeypatch.setattr("atelier.cli.board.sheet.Console", lambda: console)
    with console.capture() as capture:
        print_sheet([row("first", [[1.0, 5.0], [2.0, 7.0]]), row("second", [[2.0, 6.0], [3.0, 8.0]])])
    text = capture.get()
    lines = {line.split()[0]: line for line in text.splitlines() if line.split()}
    assert " 3.75" in lines["first"]
    assert " 4.75" in lines["second"]
    assert bool(re.search(r"\d – \d", lines["first"])) == whole
    assert ("beside: 95 % intervals" in text) == whole
