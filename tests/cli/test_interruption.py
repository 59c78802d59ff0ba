"""Ctrl-C."""

import sys

import pytest
from PIL import Image
from stylising import made, paint

from atelier.cli.main import main
from atelier.cli.pictures.contact_sheet import SIDE
from atelier.cli.timelapse import timelapse
from atelier.data import inventory
from atelier.stylize.levels import Levels
from atelier.translate.windows import Windows


@pytest.fixture
def ended(monkeypatch, capsys):
    """Runs a command; its exit code and what it told."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["atelier", *map(str, words)])
        with pytest.raises(SystemExit) as ending:
            main()
        return ending.value.code, capsys.readouterr()

    return run


@pytest.fixture
def after(monkeypatch):
    """Has a method interrupted when it is called once more than so often."""

    def strike(owner, name, count):
        own, calls = getattr(owner, name), []

        def method(*arguments):
            calls.append(None)
            if len(calls) > count:
                raise KeyboardInterrupt
            return own(*arguments)

        monkeypatch.setattr(owner, name, method)

    return strike


def test_it_is_told(ended, after, tmp_path):
    after(sys.modules[timelapse.__module__], "_pictures", 0)
    code, told = ended("timelapse", tmp_path)
    assert (code, told.out, told.err) == (130, "", "interrupted\n")


def test_so_it_is_of_a_command_among_others(ended, after):
    after(inventory, "entries", 0)
    code, told = ended("cache", "list")
    assert (code, told.out, told.err) == (130, "", "interrupted\n")


@pytest.mark.parametrize("count", [0, 2])
def test_stylize_tells_what_there_is_and_shows_it(count, ended, after, adain, painting, out, tmp_path):
    for name in "abc":
        paint(tmp_path / "in" / f"{name}.png")
    after(Levels, "stylize", count)
    words = ["stylize", adain, "--content", tmp_path / "in", "--style", painting, "--out", out]
    code, told = ended(*words)
    assert (code, told.out, told.err) == (130, "", f"interrupted: {count} pictures in {out}\n")
    if count:
        assert made(out) == ["a_stylized_painting.png", "b_stylized_painting.png"]
        assert Image.open(tmp_path / "out.png").size[1] > 2 * SIDE
    else:
        assert not [*tmp_path.glob("out*")]


@pytest.mark.parametrize("command", ["translate", "restore"])
def test_so_do_translate_and_restore(command, ended, after, make_style_run, photo, out, tmp_path):
    small = ["data=degraded", "model=restorer", "model.generator.width=4", "model.discriminator.width=4"]
    run = make_style_run(f"interrupted_{command}", *small)
    paint(tmp_path / "other.png", seed=1)
    after(Windows, "draw", 1)
    code, told = ended(command, run, photo, tmp_path / "other.png", "--out", out)
    assert (code, told.out, told.err) == (130, "", f"interrupted: 1 picture in {out}\n")
    assert len(made(out)) == 1
    assert (tmp_path / "out.png").exists()
