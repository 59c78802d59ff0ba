import pytest
from coordinates import put
from degrading import NOISE, SMALL
from omegaconf import OmegaConf

from atelier.config import build, check
from atelier.data.degraded import Degraded
from atelier.labels import presume


@pytest.fixture
def checked(composed):
    """The data of a config, found faultless. Models are others' business."""

    def checked_data(*overrides):
        cfg = presume(composed(*overrides, "metrics=none"))
        check(OmegaConf.masked_copy(cfg, ("data", "degradation", "seed", "classes")))
        return build(cfg.data, "data")

    return checked_data


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for number in range(30):
        put(root / "paintings" / f"{number}.png", number)
    return root / "paintings"


@pytest.fixture
def degraded(pictures):
    def prepared(**changes):
        data = Degraded(**SMALL | {"root": str(pictures), "resize": 24, "chain": NOISE} | changes)
        data.prepare()
        return data

    return prepared
