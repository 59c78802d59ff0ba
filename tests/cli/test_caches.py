"""`atelier cache clear` removes what comes again, and nothing else."""

import pytest
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.errors import UserError
from atelier.weights import path_of


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path))
    monkeypatch.delenv("ATELIER_WEIGHTS", raising=False)
    for name in ("pixels/wikiart-64/pixels.npy", "statistics/real.npz"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"123")
    fill(tmp_path / "weights")
    return tmp_path


def fill(folder):
    folder.mkdir()
    for name in ("vgg19", "vgg19_slim"):
        (folder / path_of(name).name).write_bytes(b"1")
    (folder / f"{path_of('alexnet').name}.partial").write_bytes(b"1")
    (folder / "my_own.safetensors").write_bytes(b"1")


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def clear(*words, answer=""):
    result = CliRunner().invoke(app, ["cache", "clear", *words], input=answer)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_weights_are_cleared_only_where_they_are_named(root):
    output = clear("--yes")
    assert "2 removed" in output
    assert left(root / "pixels") == left(root / "statistics") == []
    assert len(left(root / "weights")) == 4
    assert "weights stay: `atelier cache clear weights` removes those that can be downloaded again" in output


def test_of_weights_those_stay_that_cannot_be_downloaded_again(root):
    """What `weights join` made, and one's own."""
    output = clear("weights", "--yes")
    assert left(root / "weights") == ["my_own.safetensors", "wct16x_all.safetensors"]
    for name in left(root / "weights"):
        assert f"{root / 'weights' / name}: stays, for it cannot be downloaded again" in output
    assert "2 removed" in output
    assert left(root / "pixels")


def test_a_folder_of_weights_that_lies_among_the_caches_is_no_other_kind(root, monkeypatch):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(root / "models"))
    fill(root / "models")
    clear("--yes")
    assert len(left(root / "models")) == 4
    clear("models", "--yes")
    assert left(root / "models") == ["my_own.safetensors", "wct16x_all.safetensors"]


def test_the_kinds_are_named_before_they_are_removed(root):
    assert f"Remove 2 entries (pixels, statistics) from {root}, 6 bytes? [y/N]" in clear(answer="n\n")
    assert left(root / "pixels") == ["wikiart-64"]
    assert "2 removed" in clear(answer="y\n")


def test_an_unknown_kind_is_refused(root, tmp_path, monkeypatch):
    with pytest.raises(
        UserError, match=r"KIND: there is no cache of kind 'pixel'; there are pixels, statistics, weights;"
    ):
        clear("pixel", "--yes")
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "empty"))
    with pytest.raises(UserError, match=r"KIND: there is no cache of kind 'pixel': there are none at all"):
        clear("pixel", "--yes")
