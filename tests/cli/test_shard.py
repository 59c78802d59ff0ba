"""`atelier shard`."""

import io

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.data.remote import Remote
from atelier.data.shard_files import INDEX, Index
from atelier.errors import UserError


@pytest.fixture
def pictures(tmp_path):
    chance = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / "pictures" / ("dark" if number < 6 else "light") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (9, 11, 3), np.uint8)).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def shard(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["shard", *map(str, words)], catch_exceptions=True)

    return run


def index(out):
    return Index.of(Remote(str(out)).read(INDEX))


def test_a_folder(shard, pictures, tmp_path):
    result = shard(pictures, tmp_path / "out", "--image-size", 8, "--shard-megabytes", 0.001)
    assert result.exit_code == 0, result.output
    found = index(tmp_path / "out")
    assert (found.image_size, found.starts[-1], len(found.shards)) == (8, 12, 3)  # of 5 pictures at most
    assert found.classes == {"class": ["dark", "light"]}
    assert "12 pictures in 3 shards (" in result.output
    assert f"data=stream data.root={tmp_path / 'out'}" in result.output


def test_a_collection_by_its_name(shard, tmp_path):
    result = shard("procedural", tmp_path / "out", "--count", 20, "--image-size", 8)
    assert result.exit_code == 0
    assert "20 pictures in 1 shard (" in result.output
    assert index(tmp_path / "out").starts[-1] == 20
    assert {*index(tmp_path / "out").classes} == {"style", "palette"}


def test_how_pictures_become_square(shard, pictures, tmp_path):
    for fit in ("crop", "squash"):
        assert shard(pictures, tmp_path / fit, "--image-size", 8, "--fit", fit).exit_code == 0
    assert index(tmp_path / "crop").fingerprint != index(tmp_path / "squash").fingerprint


@pytest.mark.slow
def test_a_clone(shard, shared_data, tmp_path):
    assert shard(shared_data / "wikiart_mini", tmp_path / "out", "--image-size", 8).exit_code == 0
    found = index(tmp_path / "out")
    assert found.starts[-1] == 8419
    assert {*found.classes} == {"style", "artist", "genre"}


def parquet(path, column):
    found = io.BytesIO()
    Image.new("RGB", (9, 11)).save(found, "PNG")
    rows = {column: [{"bytes": found.getvalue(), "path": None}] * 3, "label": [0, 1, 1]}
    path.parent.mkdir(exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(rows), path)


def test_a_clone_is_known_by_its_columns(shard, tmp_path):
    for part in ("train", "test"):
        parquet(tmp_path / "clone" / f"{part}-00000-of-00001.parquet", "img")
    result = shard(tmp_path / "clone", tmp_path / "out", "--image-size", 8)
    assert result.exit_code == 0, result.output
    assert index(tmp_path / "out").starts[-1] == 6
    assert {*index(tmp_path / "out").classes} == {"class"}
    parquet(tmp_path / "other" / "train-00000-of-00001.parquet", "canvas")
    result = shard(tmp_path / "other", tmp_path / "out2", "--image-size", 8)
    assert str(result.exception) == "DATA: the parquet files have no column 'image'; they have ['canvas', 'label']"
    (tmp_path / "other" / "train-00000-of-00001.parquet").write_bytes(b"version https://git-lfs")
    result = shard(tmp_path / "other", tmp_path / "out2", "--image-size", 8)
    assert "cannot be read (a git-lfs pointer? `git lfs pull`)" in str(result.exception)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], r"DATA: no such folder: 'nowhere'; it may also be one of cifar10, procedural, wikiart"),
        ([__file__], "DATA: not a folder: '"),
        (["procedural", "--fit", "round"], r"--fit: must be one of crop, pad, squash, got 'round'"),
        (["procedural", "--root", "x"], "--root: names a clone of wikiart or cifar10, and DATA is 'procedural'"),
        (
            ["procedural", "--image-size", 33],
            r"--image-size: must be a power of two .* \(nearest: 32 or 64\)",
        ),
        (["procedural", "--shard-megabytes", "inf"], "--shard-megabytes: must be a finite number, got inf"),
        (["cifar10", "--count", 5], "--count: is of the paintings of procedural, and DATA is 'cifar10'"),
        (["wikiart", "--root", "nowhere"], "--root: no such folder: 'nowhere'"),
    ],
)
def test_refused(shard, tmp_path, words, message):
    result = shard(words[0], tmp_path / "out", *words[1:])
    assert isinstance(result.exception, UserError)
    with pytest.raises(UserError, match=f"^{message}"):
        raise result.exception
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_told_before_a_picture_is_read(shard, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("atelier.data.shard_writing.render", lambda *_: pytest.fail("too early"))
    (tmp_path / "file").touch()
    result = shard(pictures, tmp_path / "file" / "out")
    assert str(result.exception).startswith(f"OUT: nothing can be written to '{tmp_path / 'file' / 'out'}' (Not a dir")
    result = shard(pictures, tmp_path / "file")
    assert str(result.exception) == f"OUT: must be a folder, and {str(tmp_path / 'file')!r} is none"


def test_what_is_wrong_with_a_named_collection_is_told_of_its_clone(shard, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    result = shard("wikiart", tmp_path / "out", "--root", tmp_path / "empty")
    assert str(result.exception).startswith(f"--root: no train-*.parquet below '{tmp_path / 'empty'}'; it should be a")
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", unreachable)
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    result = shard("wikiart", tmp_path / "out")
    assert str(result.exception).startswith("--root: huggan/wikiart cannot be read from the hub (")
    assert str(result.exception).endswith("; then --root DIR. procedural needs no download")


def unreachable(*_, **__):
    raise ConnectionError("no network")


def test_a_folder_without_pictures(shard, tmp_path):
    (tmp_path / "empty").mkdir()
    result = shard(tmp_path / "empty", tmp_path / "out")
    assert str(result.exception).startswith(f"DATA: no pictures in '{tmp_path / 'empty'}'")


def test_an_address_of_an_unknown_kind(shard, pictures):
    result = shard(pictures, "nonsense://out")
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith("'nonsense://out' cannot be opened: ")
