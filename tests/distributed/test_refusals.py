"""Work that several processes cannot share is refused before any of them is started."""

import pytest
from PIL import Image
from pytorch_lightning.callbacks import Callback

from atelier import run
from atelier.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["trainer.devices=2"], "trainer.strategy: several devices train by trainer=ddp"),
        (["trainer=ddp", "trainer.devices=3"], "data.batch_size: 4 pictures cannot be shared evenly by 3 devices"),
        (["trainer=ddp", "trainer.devices=2", "+trainer.num_nodes=2"], "trainer.num_nodes: 2 machines need a start"),
        (
            ["trainer=ddp", "trainer.devices=4", "data.validation=0.05"],
            "data.validation: 2 held-out pictures are too few for 4 devices",
        ),
    ],
)
def test_one_line_and_no_run(overrides, fault, small_config, tmp_path):
    with pytest.raises(ConfigError, match=fault):
        run.fit(small_config(*overrides), tmp_path / "run", {})
    assert not (tmp_path / "run").exists()


def test_callbacks_of_the_caller_cannot_be_shared(small_config, tmp_path):
    cfg = small_config("trainer=ddp", "trainer.devices=2")
    with pytest.raises(ValueError, match="callbacks cannot be given to other processes"):
        run.fit(cfg, tmp_path / "run", {}, [Callback()])
    assert not (tmp_path / "run").exists()


def test_a_picture_is_painted_by_one(composed, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "picture.png")
    pictures = [f"data.{side}={tmp_path / 'picture.png'}" for side in ("content", "style")]
    cfg = composed("model=gatys", *pictures, "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu")
    with pytest.raises(ConfigError, match="data.batch_size: 1 pictures cannot be shared"):
        run.fit(cfg, tmp_path / "run", {})
