import re

import pytest

from atelier import weights


@pytest.mark.parametrize("name", weights.PUBLISHED)
def test_every_entry_is_well_formed(name):
    file = weights.published(name)
    assert file.name == name
    assert re.fullmatch(r"https://[^?]+" + ("" if file.joined else f"/{re.escape(file.file)}"), file.address)
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    promised = re.search(r"-([0-9a-f]{8})\.pth$", file.file)  # torch hub's custom
    assert promised is None or file.sha256.startswith(promised[1])
    assert file.size is None or file.size > 1e6
    assert file.licence
    assert file.purpose


def test_no_two_entries_are_the_same_file():
    for aspect in ("file", "sha256", "address", "size"):
        assert len({getattr(file, aspect) for file in weights.PUBLISHED.values()}) == len(weights.PUBLISHED)


def test_torchvision_publishes_what_the_table_says():
    from torchvision import models

    for name, model in {
        "vgg19": "VGG19",
        "vgg16": "VGG16",
        "alexnet": "AlexNet",
        "squeezenet": "SqueezeNet1_1",
    }.items():
        theirs = models.get_model_weights(model.lower()).IMAGENET1K_V1
        assert weights.published(name).address == theirs.url
        assert weights.published(name).size / 2**20 == pytest.approx(theirs.meta["_file_size"], abs=6e-4)


def test_torch_fidelity_publishes_what_the_table_says():
    from torch_fidelity import feature_extractor_inceptionv3

    assert weights.published("inception").address == feature_extractor_inceptionv3.URL_INCEPTION_V3


def test_the_folder_is_the_variables_else_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "kept"))
    assert weights.path_of("vgg19") == tmp_path / "kept" / "vgg19-dcbb9e9d.pth"
    monkeypatch.delenv("ATELIER_WEIGHTS")
    monkeypatch.setenv("ATELIER_CACHE", str(tmp_path / "cache"))
    assert weights.path_of("vgg19") == tmp_path / "cache" / "weights" / "vgg19-dcbb9e9d.pth"
