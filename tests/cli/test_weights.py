import hashlib
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from atelier.cli.main import app
from atelier.errors import UserError
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
    with pytest.raises(UserError, match=r"no weights 'vgg91'; there are alexnet, .*; did you mean 'vgg19'\?"):
        atelier_weights(command, "inception", "vgg91")


def test_verifying_looks_at_all_that_are_here():
    assert "0 verified" in atelier_weights("verify")
    put("vgg19", b"vgg19")
    assert "1 verified: vgg19" in atelier_weights("verify")
    put("alexnet", b"alexnet")
    assert "2 verified: alexnet, vgg19" in atelier_weights("verify")


def test_verifying_names_every_fault():
    put("vgg19", b"vgg91")
    put("alexnet", b"alexnet")
    with pytest.raises(UserError) as caught:
        atelier_weights("verify", "vgg19", "alexnet", "squeezenet")
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"vgg19: {path_of('vgg19')} is not the published file: its sha256 is ")
    assert second.strip().startswith("squeezenet: not at ")
