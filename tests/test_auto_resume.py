import os

import pytest

from atelier.auto_resume import going_on
from atelier.run_folder import RunFolder


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trainer.max_steps=8", "model=dcgan", "trainer.devices=1", "run_dir=elsewhere"], None),
        (["trainer.max_steps=9"], "trainer.max_steps=9 (it has 8)"),
        (["++trainer.max_steps=9", "model=lsgan"], "++trainer.max_steps=9 (it has 8), model=lsgan (it has 'dcgan')"),
        (["seamless=true"], "seamless=true (it has false)"),
        (["logger=[tensorboard]", "~callbacks.progress"], None),
        (["optimizer@model.generator_optimizer=adam"], None),
    ],
)
def test_what_a_run_that_goes_on_by_itself_cannot_heed_is_told(words, told, composed, tmp_path, caplog):
    cfg = composed("model=dcgan", "trainer.max_steps=8", "logger=tensorboard", "~callbacks.progress")
    folder = RunFolder(tmp_path)
    folder.begin(cfg, {"model": "dcgan", "logger": ["tensorboard"]}, None)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    assert going_on(composed(*words, "resume=auto"), tmp_path, words).trainer.max_steps == 8
    kept = f"resume=auto goes on by the run's own recipe, not with {told}; resume={tmp_path} KEY=VALUE"
    assert caplog.messages == ([f"{kept} changes keys of a run"] if told else [])


def test_its_pictures_are_found_from_another_folder(composed, tmp_path, monkeypatch, caplog):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "last.ckpt").touch()
    words = ["data=folder", "data.root=pictures"]
    monkeypatch.chdir(tmp_path)
    RunFolder(tmp_path / "run").begin(composed(*words), {"data": "folder"}, None)
    os.chdir(tmp_path / "run")
    cfg = going_on(composed(*words, "resume=auto"), tmp_path / "run", words)
    assert cfg.data.root == str(tmp_path / "pictures")
    assert not caplog.messages
