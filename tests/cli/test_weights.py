import hashlib
from dataclasses import replace

import pytest
import slim_weights
import torch
from safetensors.torch import load_file
from torch.testing import assert_close
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.encoders import slim_path
from atelier.errors import UserError
from atelier.networks.slim import LEVELS, SlimDecoder, SlimEncoder
from atelier.weights import PUBLISHED, path_of


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("vgg19", "alexnet"):
        digest = hashlib.sha256(name.encode()).hexdigest()
        monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], sha256=digest, size=len(name)))
    return tmp_path


def atelier_weights(*words):
    result = CliRunner().invoke(app, ["weights", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def put(name, content):
    path_of(name).write_bytes(content)


def row(name):
    return next(line.split() for line in atelier_weights("list").splitlines() if line.split()[:1] == [name])


def test_every_file_is_listed_with_the_folder(folder):
    output = atelier_weights("list")
    assert str(folder) in output
    for name, file in PUBLISHED.items():
        assert row(name)[-len(file.purpose.split()) - 2 :] == [file.licence, "absent", *file.purpose.split()]
    assert row("dinov2_vits14")[1:3] == ["88.3", "MB"]


@pytest.mark.parametrize(("content", "state"), [(b"vgg19", "here"), (b"vgg", "damaged")])
def test_the_list_says_what_is_here(content, state):
    put("vgg19", content)
    assert state in row("vgg19")
    assert "absent" in row("alexnet")


def test_the_list_says_what_was_begun(folder):
    (folder / f"{path_of('vgg19').name}.partial").write_bytes(b"v")
    assert "begun" in row("vgg19")


def test_fetching_tells_where_the_files_are():
    put("vgg19", b"vgg19")
    put("alexnet", b"alexnet")
    assert atelier_weights("fetch", "vgg19", "alexnet").split() == [str(path_of("vgg19")), str(path_of("alexnet"))]


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_an_unknown_name_is_refused(command):
    with pytest.raises(
        UserError, match=r"NAME: there are no weights 'vgg91'; there are alexnet, .*; did you mean 'vgg19'\?"
    ):
        atelier_weights(command, "inception", "vgg91")


def test_verifying_looks_at_all_that_are_here():
    assert "0 verified" in atelier_weights("verify")
    put("vgg19", b"vgg19")
    assert "1 verified: vgg19" in atelier_weights("verify")
    put("alexnet", b"alexnet")
    assert "2 verified: alexnet, vgg19" in atelier_weights("verify")


def clone(folder, wrap=lambda state: state):
    """A repository like that of Collaborative Distillation, with random weights; returns them as one file has them."""
    everything = slim_weights.weights()
    for network in {name.partition(".")[0] for name in everything}:
        path = folder / "trained_models" / f"wct_se_16x_new{'_sd' if network.endswith('D') else ''}" / f"{network}.pth"
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {name.partition(".")[2]: part for name, part in everything.items() if name.startswith(network)}
        torch.save(wrap(state), path)
    return everything


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state, "epoch": 20}])
def test_the_distilled_networks_are_joined_of_a_clone_of_their_repository(wrap, folder):
    expected = clone(folder / "clone", wrap)
    path = slim_path(None)
    assert str(path) in atelier_weights("join", str(folder / "clone"))
    assert_close(load_file(path), expected, rtol=0, atol=0)
    for level in LEVELS:
        SlimEncoder.pretrained(path, level)
        SlimDecoder.pretrained(path, level)
    assert "here" in row("vgg19_slim")


def test_weights_that_are_not_the_tried_ones_are_joined_and_told(folder):
    clone(folder / "clone")
    assert "other weights than those that Atelier was tried with" in atelier_weights("join", str(folder / "clone"))


def test_a_clone_that_lacks_a_file_is_refused(folder):
    clone(folder / "clone")
    missing = folder / "clone" / "trained_models" / "wct_se_16x_new_sd" / "4SD.pth"
    missing.write_bytes(b"junk")
    with pytest.raises(UserError, match=r"CLONE: .*4SD\.pth cannot be read as weights"):
        atelier_weights("join", str(folder / "clone"))
    missing.unlink()
    with pytest.raises(UserError, match=r"CLONE: no such file: .*4SD\.pth"):
        atelier_weights("join", str(folder / "clone"))
    assert not slim_path(None).exists()


def test_the_distilled_networks_cannot_be_fetched(folder):
    for command in ("fetch", "verify"):
        with pytest.raises(UserError, match="vgg19_slim: not at .*; `atelier weights join` of a clone of https://"):
            atelier_weights(command, "vgg19_slim")
    assert list(folder.iterdir()) == []


def test_the_distilled_networks_are_verified_too(monkeypatch):
    put("vgg19_slim", b"slim")
    with pytest.raises(UserError, match="is not the file that Atelier was tried with: .*; remove it, and `atelier wei"):
        atelier_weights("verify")
    digest = hashlib.sha256(b"slim").hexdigest()
    monkeypatch.setitem(PUBLISHED, "vgg19_slim", replace(PUBLISHED["vgg19_slim"], sha256=digest))
    assert "1 verified: vgg19_slim" in atelier_weights("verify")
    assert str(path_of("vgg19_slim")) in atelier_weights("fetch", "vgg19_slim")


def test_verifying_names_every_fault():
    put("vgg19", b"vgg91")
    put("alexnet", b"alexnet")
    with pytest.raises(UserError) as caught:
        atelier_weights("verify", "vgg19", "alexnet", "squeezenet")
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"vgg19: {path_of('vgg19')} is not the published file: its sha256 is ")
    assert second.strip().startswith("squeezenet: not at ")
