import io

import pytest
from rich.console import Console

from atelier.record.display import Bar, Lines, Standing, display, duration, picture

STANDING = Standing(
    step=1240,
    last_step=10_000,
    images_per_second=312.4,
    seconds_left=753,
    terms={"discriminator/adversarial": -0.51234, "discriminator/r1": 0.03, "generator/adversarial": 0.22},
    scores={"val/fid": 83.2, "val/inception_score": 2.31},
    best=("val/fid", 79.91, 1000),
)


def drawn(standing, width=110):
    console = Console(file=io.StringIO(), width=width)
    console.print(picture(standing))
    return console.file.getvalue().splitlines()


def test_the_bar_says_how_far_how_fast_and_how_well():
    head, discriminator, generator, scores = drawn(STANDING)

    assert head.endswith("  step 1,240 / 10,000  312 images/s  12:33 min left")
    assert head.startswith("━━━━━━━  ")
    assert discriminator.rstrip() == "discriminator  adversarial -0.5123   r1 0.03"
    assert generator.rstrip() == "generator      adversarial 0.22"
    assert scores.rstrip() == "val            fid 83.2 (best 79.91 at step 1,000)   inception_score 2.31"


def test_the_bar_keeps_its_height_on_a_narrow_terminal():
    assert len(drawn(STANDING, width=60)) == 4


def test_the_bar_says_that_it_validates():
    (head, *_) = drawn(Standing(step=5, last_step=10, validating=True))

    assert "validating" in head
    assert "images/s" not in head


def test_a_run_without_end_has_no_total():
    assert "step 5  " in drawn(Standing(step=5))[0]


def test_a_log_file_gets_one_whole_line_per_look():
    console = Console(file=io.StringIO(), width=40)
    lines = display(console)
    lines.start()
    lines.show(STANDING)
    lines.show(Standing(step=1300, validating=True))  # its scores are still to come
    lines.stop()

    assert isinstance(lines, Lines)
    assert console.file.getvalue() == (
        "step 1,240 / 10,000 | 312 images/s | 12:33 min left | discriminator/adversarial -0.5123 | "
        "discriminator/r1 0.03 | generator/adversarial 0.22 | val/fid 83.2 (best 79.91 at step 1,000) | "
        "val/inception_score 2.31\n"
    )


def test_a_terminal_gets_a_bar_and_its_cursor_back():
    console = Console(file=io.StringIO(), force_terminal=True, width=110)
    bar = display(console)
    bar.start()
    bar.show(STANDING)
    bar.stop()
    bar.stop()

    assert isinstance(bar, Bar)
    shown = console.file.getvalue()
    assert "1,240" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.4, "4 s"), (59.7, "1:00 min"), (187, "3:07 min"), (7500, "2:05 h")],
)
def test_durations_are_read_at_a_glance(seconds, text):
    assert duration(seconds) == text
