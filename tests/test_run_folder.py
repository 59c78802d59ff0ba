from pathlib import Path

import pytest

from atelier.run_folder import title


@pytest.mark.parametrize("path", ["b/run", ".", "../run", "../../b/run", "../link/../run"])
def test_a_run_is_known_by_its_folder_whatever_the_way_to_it(path, tmp_path, monkeypatch):
    (tmp_path / "b" / "run").mkdir(parents=True)
    (tmp_path / "b" / "link").symlink_to("run")
    monkeypatch.chdir(tmp_path if path == "b/run" else tmp_path / "b" / "run")
    assert title(Path(path)) == "b/run"
    assert title(tmp_path / "b" / "link") == "b/link"
