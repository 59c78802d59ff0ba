from types import SimpleNamespace

import pytest
from shown import Shown


@pytest.fixture
def trainer(tmp_path):
    return SimpleNamespace(
        default_root_dir=str(tmp_path / "model-data" / "monday"),
        global_step=400,
        is_global_zero=True,
        loggers=[Shown()],
    )
