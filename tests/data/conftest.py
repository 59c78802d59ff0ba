import pytest
from omegaconf import OmegaConf

from atelier.config import build, check
from atelier.labels import presume


@pytest.fixture
def checked(composed):
    """The data of a config, found faultless. Models are others' business."""

    def checked_data(*overrides):
        cfg = presume(composed(*overrides, "metrics=none"))
        check(OmegaConf.masked_copy(cfg, ("data", "degradation", "seed", "classes")))
        return build(cfg.data, "data")

    return checked_data
