import pytest
from omegaconf import OmegaConf
from process_recipes import RECIPES, STEPS


@pytest.fixture
def saved(composed, tmp_path):
    """Writes a small config, for so many processes, into a file."""

    def save(name, *overrides, processes=2):
        several = ["trainer=ddp", f"trainer.devices={processes}"] if processes > 1 else []
        cfg = composed(*several, *STEPS, *RECIPES[name], *overrides)
        path = tmp_path / f"{name}.{processes}.yaml"
        OmegaConf.save(cfg, path)
        return path

    return save
