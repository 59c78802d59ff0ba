"""Collections in the hub's layout: class names come with the files, and a clone that is not whole is told of."""

import errno
import io
import os
import re
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image

from atelier.data.clone import Clone
from atelier.data.hub import Hub
from atelier.data.parquet import CIFAR10, WIKIART
from atelier.errors import UserError

datasets = pytest.importorskip("datasets")


def shade(level):
    file = io.BytesIO()
    Image.new("L", (8, 8), level).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": f"{level}.png"}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A small WikiArt and a small CIFAR-10."""
    root = tmp_path_factory.mktemp("originals")
    labelled = datasets.Features(
        image=datasets.Image(), style=datasets.ClassLabel(names=["Cubism", "Rococo"]), artist=datasets.Value("int64")
    )
    rows = {"image": [shade(1), shade(2), shade(3)], "style": [1, 0, -1], "artist": [10, 9, None]}
    (root / "wikiart" / "data").mkdir(parents=True)
    datasets.Dataset.from_dict(rows, labelled).to_parquet(root / "wikiart/data/train-00000-of-00001.parquet")
    labelled = datasets.Features(img=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"]))
    (root / "cifar10" / "plain_text").mkdir(parents=True)
    for part, levels in {"train": [1, 2, 3], "test": [4, 5]}.items():
        rows = {"img": [shade(level) for level in levels], "label": [level % 2 for level in levels]}
        path = root / f"cifar10/plain_text/{part}-00000-of-00001.parquet"
        datasets.Dataset.from_dict(rows, labelled).to_parquet(path)
    return root


@pytest.fixture
def clones(originals, tmp_path, monkeypatch):
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(originals, tmp_path / "clones")


def wikiart(clones):
    return Clone("wikiart", WIKIART, "crop", clones / "wikiart")


def rendered(source):
    return [picture.render(8) for picture in source.pictures()]


def test_labels_are_the_names_in_the_files(clones):
    source = wikiart(clones)
    assert source.count() == 3
    assert next(source.pictures()).name == "train row 0 (1.png)"
    assert [row.pixels[0, 0, 0] for row in rendered(source)] == [1, 2, 3]
    assert [row.labels for row in rendered(source)] == [
        {"style": "Rococo", "artist": "10"}, {"style": "Cubism", "artist": "9"}, {},
    ]  # fmt: skip


def test_test_rows_are_held_out(clones):
    source = Clone("cifar10", CIFAR10, "crop", clones / "cifar10")
    assert source.count() == 5
    rows = rendered(source)
    assert [row.held_out for row in rows] == [False] * 3 + [True] * 2
    assert [row.labels["class"] for row in rows] == ["dog", "cat", "dog", "cat", "dog"]


def test_nothing_is_left_in_the_librarys_cache(clones, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "library")
    rendered(wikiart(clones))
    assert not (tmp_path / "library").exists()


def test_the_key_is_the_content(clones):
    key = wikiart(clones).key()
    shutil.move(clones, clones.with_name("moved"))
    assert wikiart(clones.with_name("moved")).key() == key
    path = clones.with_name("moved") / "wikiart/data/train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes() + b"!")
    assert wikiart(clones.with_name("moved")).key() != key


def test_a_missing_file_is_told(clones, caplog):
    data = clones / "wikiart" / "data"
    (data / "train-00000-of-00001.parquet").rename(data / "train-00000-of-00072.parquet")
    assert wikiart(clones).count() == 3
    assert "only 1 of 72 files like " in caplog.text


def test_a_damaged_file_is_named(clones):
    path = clones / "wikiart/data/train-00000-of-00001.parquet"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(UserError, match=r"data.root: '.*-of-00001.parquet' cannot be read \(a git-lfs pointer"):
        wikiart(clones).count()


def test_damage_within_a_file_is_told(clones):
    path = clones / "wikiart/data/train-00000-of-00001.parquet"
    data = bytearray(path.read_bytes())
    data[4:120] = bytes(116)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"data.root: a parquet file below '.*' is damaged: "):
        rendered(wikiart(clones))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_what_the_machine_lacks_is_no_damage(number, clones, monkeypatch):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("datasets.load_dataset", fail)
    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        rendered(wikiart(clones))


def test_another_collection_is_noticed(clones):
    with pytest.raises(UserError, match=r"the parquet files have no column 'image'; they have \['img', 'label'\]"):
        rendered(Clone("wikiart", WIKIART, "crop", clones / "cifar10"))
    with pytest.raises(UserError, match=r"no test-\*.parquet below .* clone of the data set uoft-cs/cifar10"):
        Clone("cifar10", CIFAR10, "crop", clones / "wikiart").key()


@pytest.fixture
def hub(clones, monkeypatch):
    """A hub that has the small WikiArt; without a network once `revision` is None."""
    state = SimpleNamespace(revision="abc", asked=[])

    def dataset_info(self, name, timeout):
        if state.revision is None:
            raise OSError("Name or service not known")
        return SimpleNamespace(sha=state.revision)

    original = datasets.load_dataset

    def load_dataset(name, **options):
        if name == "parquet":
            return original(name, **options)
        if state.revision is None:
            raise ConnectionError("Couldn't reach it")
        state.asked.append((name, options["split"], options["revision"]))
        return wikiart(clones).rows("train", options["cache_dir"])

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return state


def test_from_the_hub(hub):
    source = Hub("wikiart", WIKIART, "crop")
    assert [row.pixels[0, 0, 0] for row in rendered(source)] == [1, 2, 3]
    assert hub.asked == [("huggan/wikiart", "train", "abc")]
    hub.revision = "def"
    assert Hub("wikiart", WIKIART, "crop").key() != source.key()


def test_without_a_network_the_revision_seen_last_is_looked_for(hub, caplog):
    key = Hub("wikiart", WIKIART, "crop").key()
    hub.revision = None
    source = Hub("wikiart", WIKIART, "crop")
    assert source.key() == key
    assert caplog.messages == [
        "huggan/wikiart: the hub does not say its newest revision (Name or service not known); the last one seen is abc"
    ]
    with pytest.raises(UserError, match="cannot be read from the hub"):
        rendered(source)


def test_without_a_network_the_way_out_is_told(hub):
    hub.revision = None
    with pytest.raises(UserError) as refused:
        Hub("wikiart", WIKIART, "crop").key()
    message = str(refused.value)
    assert message.startswith("data.root: huggan/wikiart cannot be read from the hub (Name or service not known).")
    assert "hf download huggan/wikiart --repo-type dataset" in message
    assert "data=procedural" in message
    assert "\n" not in message
