import json

import pytest
from boards import MEASURES, paint, run


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("grid")
    return paint(root / "content", ["cat", "dog"]), paint(root / "style", ["wave", "night"], seed=1)


@pytest.fixture(scope="session")
def learned(make_style_run, pictures):
    """A run that knows the style `wave`."""
    style = pictures[1] / "wave.png"
    tiny = ["model.network.width=4", "model.network.blocks=1"]
    return make_style_run("johnson", "model=johnson", f"data.content={pictures[0]}", f"data.style={style}", *tiny)


@pytest.fixture(scope="session")
def held(pictures, adain, learned, tmp_path_factory):
    """A board of all kinds of methods: its folder, and what was printed."""
    out = tmp_path_factory.mktemp("board") / "out"
    content, style = pictures
    options = ["--content", content, "--style", style, "--size", 80, "--out", out, "--measures", ",".join(MEASURES)]
    words = [learned, adain, "gatys", "nonsense", *options, "--encoder", "embedded", "--steps", 1]
    return out, run("leaderboard", *words, "--json")


@pytest.fixture(scope="session")
def board(held):
    return json.loads((held[0] / "board.json").read_text())
