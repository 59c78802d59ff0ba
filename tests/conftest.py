from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """No test reads or fills the caches of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("ATELIER_WEIGHTS", raising=False)
        yield


@pytest.fixture
def shared_data():
    """Real pictures, which are not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no pictures at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def composed():
    """Composes the config of a command line."""
    from hydra import compose, initialize_config_dir

    def compose_config(*overrides):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("train", ["run_dir=outputs/test", *overrides])

    return compose_config


@pytest.fixture
def small_config(composed):
    """The config of a run that takes a second: tiny networks, few pictures, no scores."""

    def compose_config(*overrides):
        return composed(
            "data.image_size=16", "data.count=40", "data.batch_size=4", "model.generator.width=4",
            "model.discriminator.width=4", "trainer.max_steps=8", "trainer.val_check_interval=4",
            "trainer.log_every_n_steps=2", "callbacks.samples.count=4", "metrics=none", "trainer.accelerator=cpu",
            *overrides,
        )  # fmt: skip

    return compose_config


@pytest.fixture
def paired(tmp_path):
    """A folder of side-by-side pictures, as an option."""
    folder = tmp_path / "side_by_side"
    folder.mkdir()
    Image.fromarray(np.zeros((24, 48, 3), np.uint8)).save(folder / "picture.png")
    return f"data.root={folder}"
