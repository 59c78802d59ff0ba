import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from atelier.errors import UserError
from atelier.resume import arguments
from atelier.run_folder import RunFolder, config, facts, title


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Begins a run in the folder `there`, with such parts in its config, and goes elsewhere."""
    for folder in ("there", "far/elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "there")

    def begin(**parts):
        RunFolder(tmp_path / "run").begin(OmegaConf.create({"seed": 0, "run_dir": "", **parts}), {}, None)
        os.chdir(tmp_path / "far" / "elsewhere")
        return tmp_path / "run"

    return begin


def test_paths_lead_where_they_led_for_whoever_started_the_run(begun, tmp_path):
    there, elsewhere = tmp_path / "there", tmp_path / "far" / "elsewhere"
    for path in (there / "pictures" / "a", there / "vgg.pth", there / "both", elsewhere / "both", tmp_path / "up"):
        path.mkdir(parents=True)
    encoder, root = {"weights": "vgg.pth"}, {"root": "pictures/a"}
    data = {"content": "../up", "style": "both", "target": "gone", "root": "", "label": "pictures", "count": 3}
    run = begun(data=data, encoder=encoder, model={"parts": [{"encoder": encoder}], "style": root, "weights": None})
    cfg = config(run)
    assert cfg.data == {**data, "content": str(there / ".." / "up")}
    assert cfg.encoder.weights == cfg.model.parts[0].encoder.weights == str(there / "vgg.pth")
    assert cfg.model.style == {"root": str(there / "pictures" / "a")}
    assert OmegaConf.load(run / "config.yaml").data == data


def test_a_run_that_did_not_record_its_folder_is_read_as_it_is(begun, tmp_path):
    (tmp_path / "there" / "pictures").mkdir()
    run = begun(data={"root": "pictures"})
    (run / "run.json").write_text("{}")
    assert config(run).data.root == "pictures"


@pytest.mark.parametrize("path", ["b/run", ".", "../run", "../../b/run", "../link/../run"])
def test_a_run_is_known_by_its_folder_whatever_the_way_to_it(path, tmp_path, monkeypatch):
    (tmp_path / "b" / "run").mkdir(parents=True)
    (tmp_path / "b" / "link").symlink_to("run")
    monkeypatch.chdir(tmp_path if path == "b/run" else tmp_path / "b" / "run")
    assert title(Path(path)) == "b/run"
    assert title(tmp_path / "b" / "link") == "b/link"


@pytest.mark.parametrize("left", [b"", b"\0" * 9, b"{", b"\xff\xfe", b"[]", b"3"])
def test_what_is_left_of_a_damaged_run_is_told(left, begun):
    run = begun()
    for name, read in (
        ("config.yaml", lambda: config(run)),
        ("recipe.yaml", lambda: arguments([f"resume={run}"], run)),
        ("run.json", lambda: facts(run)),
    ):
        whole = (run / name).read_bytes()
        (run / name).write_bytes(left)
        with pytest.raises(UserError, match=rf"^{run}: its {name} (is damaged|cannot be read)\b"):
            read()
        (run / name).write_bytes(whole)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_record_that_is_no_file_is_refused_and_not_waited_for(make, begun):
    run = begun()
    (run / "run.json").unlink()
    with pytest.raises(UserError, match=r"no run folder: it has no run\.json"):
        arguments([f"resume={run}"], run)
    make(run / "run.json")
    with pytest.raises(UserError, match=rf"^{run}: its run\.json cannot be read \(it is no file\)"):
        facts(run)
